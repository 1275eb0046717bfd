#!/usr/bin/env python3
"""A parser for tests of the downloader: it does what a page's body tells it.

    [die]        the process ends before it answers
    [die once F] the same, unless the file F exists; makes it
    [slow]       never answers
    [nonsense]   answers with bytes that are no message
    [endless]    says that its answer has 4 GB
    [binary]     says that the page is no text
    else         title: the URL; text: the body; description: the content type; charset: the robots
                 tags; language: the content language, and "cut" as one heading where it was
"""

import os
import re
import struct
import sys
import time


def read_exactly(size):
    data = b""
    while len(data) < size:
        part = os.read(0, size - len(data))
        if not part:
            sys.exit(0)
        data += part
    return data


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def read_message(data):
    fields, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 2:
            size = number()
            fields.setdefault(key >> 3, []).append(data[at : at + size])
            at += size
        else:
            fields.setdefault(key >> 3, []).append(number())
    return fields


def answer(request):
    def get(number):
        return request.get(number, [b""])[0]

    body = get(5)
    once = re.search(rb"\[die once ([^\]]+)\]", body)
    if b"[die]" in body:
        os._exit(1)
    if once and not os.path.exists(once[1]):
        open(once[1], "w").close()
        os._exit(1)
    if b"[slow]" in body:
        time.sleep(3600)
    if b"[nonsense]" in body:
        return b"\xff\xff\xff\xff\xff"
    if b"[endless]" in body:
        os.write(1, b"\xff\xff\xff\xff")
        time.sleep(3600)
    if b"[binary]" in body:
        return field(1, 1) + field(14, 1) + field(15, b"not a text")
    page = field(1, 1) + field(2, get(1)) + field(3, get(2)) + field(4, get(4)) + field(6, body)
    page += field(13, b"|".join(request.get(3, [])))
    if request.get(6, [0])[0]:
        page += field(5, field(1, 1) + field(2, b"cut"))
    return page


while True:
    (size,) = struct.unpack("<I", read_exactly(4))
    page = answer(read_message(read_exactly(size)))
    reply = memoryview(struct.pack("<I", len(page)) + page)
    while reply:
        reply = reply[os.write(1, reply) :]

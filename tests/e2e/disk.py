"""A disk of a test's own: an ext4 file system in a file. It loses its power, or is filled up, when the test says so."""
import fcntl
import os
import struct
import subprocess
import time

import pytest

FS_IOC_SHUTDOWN, WITHOUT_FLUSHING = 0x8004587D, 2


class Disk:
    def __init__(self, folder, megabytes=512):
        if os.geteuid() != 0:
            pytest.skip("a disk of its own takes root")
        self.image, self.mount_point = folder / "disk.img", folder / "disk"
        self.filler = self.mount_point / "filler"
        self.mount_point.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", self.image], check=True)
        self.mounted = False

    def mount(self):
        done = subprocess.run(["mount", "-o", "loop", self.image, self.mount_point], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip("no loop device can be mounted here (it takes root): " + done.stderr.strip())
        self.mounted = True

    def cut(self):
        fd = os.open(self.mount_point, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.ioctl(fd, FS_IOC_SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING))
        os.close(fd)

    def free_bytes(self):
        info = os.statvfs(self.mount_point)
        return info.f_bavail * info.f_frsize

    def fill(self, leave=0):
        """Takes all that is free but so many bytes."""
        fd = os.open(self.filler, os.O_WRONLY | os.O_CREAT, 0o600)
        step = 64 << 20
        while step >= 1024:
            step = min(step, self.free_bytes() - leave)
            try:
                os.posix_fallocate(fd, os.fstat(fd).st_size, step)
            except (OSError, ValueError):
                step //= 2
        os.close(fd)

    def make_room(self):
        self.filler.unlink(missing_ok=True)

    def unmount(self):
        if self.mounted:
            for _ in range(100):
                if subprocess.run(["umount", self.mount_point], capture_output=True).returncode == 0:
                    break
                time.sleep(0.05)
            self.mounted = False

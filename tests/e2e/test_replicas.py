"""Two replicas of each shard, one of which has lost its index."""
import os
import shutil
import signal
import time

import pytest

from sites import PythonSite
from stack import wait_for

LOST = ["barrel-0-1", "barrel-1-1"]


@pytest.fixture
def site(tmp_path):
    site = PythonSite(tmp_path)
    yield site
    site.close()


@pytest.fixture
def stack(make_stack, site):
    stack = make_stack(barrels={"replicas": 2}, crawl={
        "sources": [{"url": site.base + "/", "public": True, "allow_private": True, "delay": "0"}]})
    stack.start()
    site.wait_until_indexed(stack)
    return stack


def replicas(stack):
    return {barrel["name"]: barrel for barrel in stack.stats()["barrels"]}


def is_whole(stack):
    known = replicas(stack).values()
    return len(known) == 4 and not any(barrel["rebuilding"] for barrel in known) and \
        all(len({barrel["documents"] for barrel in known if barrel["shard"] == shard}) == 1 for shard in range(2))


def scores(answer):
    return [(result["url"], result["score"]) for result in answer["results"]]


def settled_scores(stack):
    """Of two answers with time for new statistics between them."""
    before = scores(stack.search("barrels OR hoop", size=9))
    time.sleep(3)
    after = scores(stack.search("barrels OR hoop", size=8))
    return after if after and after == before else None


def test_a_replica_that_is_filled_again_makes_no_answer_partial_and_changes_no_score(stack):
    wait_for(lambda: is_whole(stack), 30, "two whole replicas of each shard")
    before = wait_for(lambda: settled_scores(stack), 30, "statistics that rest")
    [indexserver] = stack.pids("indexserver")
    commands = stack.processes()
    lost = [pid for pid in stack.pids("barrel") if any(f"{stack.data}/{name}" in commands[pid] for name in LOST)]
    assert len(lost) == 2, commands
    os.kill(indexserver, signal.SIGSTOP)  # nothing fills them
    try:
        for name in LOST:
            shutil.rmtree(stack.data / name / "index")
        for pid in lost:
            os.kill(pid, signal.SIGKILL)

        def are_back():
            known = replicas(stack)
            return all(known[name]["rebuilding"] and known[name]["state"] == "ready" and known[name]["documents"] == 0
                       for name in LOST)
        wait_for(are_back, 15, "the empty replicas")
        for number in range(12):
            answer = stack.search(f"barrels OR hoop OR nothing{number}")
            assert not answer["partial"] and answer["results"], answer
            assert scores(stack.search("barrels OR hoop", size=11 + number)) == before
    finally:
        os.kill(indexserver, signal.SIGCONT)
    wait_for(lambda: is_whole(stack), 30, "whole replicas again")
    assert scores(stack.search("barrels OR hoop", size=30)) == before

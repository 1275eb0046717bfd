"""Processes that die at the worst moment."""
import os
import signal
import time

import pytest

from stack import SOAK, Load, wait_for

KILLS = 25 if SOAK else 8


def running(stack, program):
    return set(stack.pids(program))


def pool(stack):
    return {pid for pid, command in stack.processes().items() if "/gateway " in command and "--fastcgi" in command}


def ready_workers(stack):
    processes = stack.stats()["processes"]
    return {process["pid"] for process in processes if process["role"] == "gateway" and process["state"] == "ready"}


def test_a_worker_killed_under_load_fails_no_request(small_stack):
    loads = [Load(small_stack.https, ["/search?q=hoop", "/healthz", "/api/v1/search?q=stave"]) for _ in range(4)]
    for load in loads:
        load.start()
    for _ in range(KILLS):
        before = ready_workers(small_stack)
        victim = sorted(before)[0]
        asked = [load.count for load in loads]
        os.kill(victim, signal.SIGKILL)
        # The longest back-off is 10 s.
        wait_for(lambda: len(ready_workers(small_stack) - {victim}) >= len(before), 20, "a new worker")
        wait_for(lambda: all(load.count > count + 2 for load, count in zip(loads, asked)), 30, "requests of each load")
    for load in loads:
        load.finish()
    assert [failure for load in loads for failure in load.failures] == []


def bears(pid, number):
    """Whether that signal does not end the process: it is ignored, blocked or caught."""
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        masks = dict(line.split(":\t") for line in lines if line.startswith("Sig"))
    return any(int(masks[name], 16) >> (number - 1) & 1 for name in ("SigIgn", "SigBlk", "SigCgt"))


def test_no_process_dies_of_a_hangup(small_stack):
    workers = {pid: program for program in ["barrel", "indexserver", "downloader", "orchestrator", "gateway"]
               for pid in running(small_stack, program)}
    assert pool(small_stack) <= set(workers)
    assert {program for pid, program in workers.items() if not bears(pid, signal.SIGHUP)} == set()
    for pid in workers:
        os.kill(pid, signal.SIGHUP)
    assert small_stack.urls("quenching")
    assert set(workers) <= set(small_stack.processes())


def test_a_restart_of_the_whole_pool_fails_no_request(small_stack):
    loads = [Load(small_stack.https, ["/search?q=hoop", "/healthz"]) for _ in range(4)]
    for load in loads:
        load.start()
    for _ in range(max(2, KILLS // 4)):
        before = pool(small_stack)
        small_stack.tierce("restart", "gateways")
        wait_for(lambda: not (pool(small_stack) & before) and len(pool(small_stack)) >= len(before), 20, "a new pool")
    for load in loads:
        load.finish()
    assert [failure for load in loads for failure in load.failures] == []


def test_a_killed_barrel_costs_no_error_and_the_answer_is_whole_again_soon(small_stack):
    url = small_stack.urls("quenching")
    os.kill(small_stack.pids("barrel")[0], signal.SIGKILL)
    begun = time.monotonic()
    whole = None
    while time.monotonic() - begun < 10:
        asked = time.monotonic()
        answer = small_stack.search(f"hoop OR stave OR x{time.monotonic_ns()}")
        assert time.monotonic() - asked < 2.5
        assert answer["partial"] == (answer["shards"]["answered"] < answer["shards"]["asked"])
        if not answer["partial"]:
            whole = time.monotonic() - begun
            break
    assert whole is not None and whole < 3.5
    wait_for(lambda: small_stack.urls("quenching") == url, 10, "the same answer")


def test_a_barrel_that_hangs_leaves_the_others_time_to_answer(small_stack):
    barrel = small_stack.pids("barrel")[0]
    os.kill(barrel, signal.SIGSTOP)
    try:
        for number in range(3):
            asked = time.monotonic()
            answer = small_stack.search(f"hoop OR stave OR iron OR y{number}{time.monotonic_ns()}")
            assert time.monotonic() - asked < 3
            assert answer["partial"] and answer["shards"]["answered"] == answer["shards"]["asked"] - 1
    finally:
        os.kill(barrel, signal.SIGCONT)
    wait_for(lambda: not small_stack.search(f"hoop OR z{time.monotonic_ns()}")["partial"], 10, "a whole answer")


@pytest.mark.parametrize("program", ["indexserver", "downloader", "parser"])
def test_a_killed_process_is_back_and_the_crawl_goes_on(small_stack, small_site, program):
    before = running(small_stack, program)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    if program != "parser":  # which is started when the next page comes
        wait_for(lambda: running(small_stack, program) and not running(small_stack, program) & before, 15, program)
    small_site.words["/after-" + program] = ("After", f"Added after the {program} died: after{program}word.")
    wait_for(lambda: small_stack.tierce("crawl", f"{small_site.base}/after-{program}", check=False).returncode == 0, 15)
    wait_for(lambda: small_stack.urls(f"after{program}word"), 20, "the new page")
    assert running(small_stack, program) and not running(small_stack, program) & before


def test_children_outlive_the_orchestrator_and_are_adopted(small_stack):
    kept = {program: running(small_stack, program) for program in ["indexserver", "barrel", "downloader"]}
    workers = pool(small_stack)
    load = Load(small_stack.https, ["/search?q=hoop"])
    load.start()
    os.kill(small_stack.pids("orchestrator")[0], signal.SIGKILL)
    assert small_stack.process.wait(10) == 1
    assert "orchestrator" in small_stack.text()
    assert small_stack.urls("quenching")
    small_stack.start()
    load.finish()
    assert load.failures == []
    for program, pids in kept.items():
        assert running(small_stack, program) == pids, f"{program} was started anew"
    assert pool(small_stack) & workers


def test_the_second_start_serves_the_same_index_within_two_seconds(small_stack):
    before = small_stack.search("hoop")["results"]
    assert small_stack.stop() == 0
    assert small_stack.processes() == {}
    took = small_stack.start()
    assert [r["url"] for r in small_stack.search("hoop")["results"]] == [r["url"] for r in before]
    assert took < 4.0, f"{took:.1f} s"

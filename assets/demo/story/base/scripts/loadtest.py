#!/usr/bin/env python3
"""Sends many orders to a payment server and says how long they took."""

import argparse
import statistics
import threading
import time
import urllib.error
import urllib.request


def order(url: str) -> tuple[int, float]:
    """Places one order; its status and the seconds it took."""
    started = time.monotonic()
    request = urllib.request.Request(url + "/orders", data=b'{"total":1250,"currency":"EUR"}')
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    return status, time.monotonic() - started


def run(url: str, orders: int, workers: int) -> list[tuple[int, float]]:
    """Places `orders` orders with `workers` threads."""
    results: list[tuple[int, float]] = []
    lock = threading.Lock()
    todo = iter(range(orders))

    def work() -> None:
        while True:
            with lock:
                if next(todo, None) is None:
                    return
            result = order(url)
            with lock:
                results.append(result)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--orders", type=int, default=100)
    parser.add_argument("--workers", type=int, default=8)
    args = parser.parse_args()
    results = run(args.url, args.orders, args.workers)
    times = [seconds for _, seconds in results]
    good = sum(status == 201 for status, _ in results)
    print(f"{good} of {len(results)} orders taken")
    print(f"median {statistics.median(times):.3f} s, worst {max(times):.3f} s")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Sends many orders to a payment server and says how long they took."""

import argparse
import http.server
import itertools
import statistics
import threading
import time
import urllib.error
import urllib.request
import uuid


def order(url: str) -> tuple[int, float]:
    """Places one order; its status and the seconds it took."""
    started = time.monotonic()
    request = urllib.request.Request(
        url + "/orders",
        data=b'{"total":1250,"currency":"EUR"}',
        headers={"idempotency-key": str(uuid.uuid4())},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    return status, time.monotonic() - started


def serve(busy: int) -> str:
    """Starts a server on a free port that answers 503 to the first `busy` orders; its address."""
    count = itertools.count()

    class Till(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(503 if next(count) < busy else 201)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing: the summary at the end is enough."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Till)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


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
    parser.add_argument("url", nargs="?", help="the server; left out with --busy")
    parser.add_argument("--busy", type=int, metavar="N", help="a server of its own, 503 to the first N orders")
    parser.add_argument("--orders", type=int, default=100)
    parser.add_argument("--workers", type=int, default=8)
    args = parser.parse_args()
    if (args.url is None) == (args.busy is None):
        parser.error("give either an address or --busy")
    results = run(args.url or serve(args.busy), args.orders, args.workers)
    times = [seconds for _, seconds in results]
    good = sum(status == 201 for status, _ in results)
    busy = sum(status == 503 for status, _ in results)
    print(f"{good} of {len(results)} orders taken, {busy} answered 503")
    print(f"median {statistics.median(times):.3f} s, worst {max(times):.3f} s")


if __name__ == "__main__":
    main()

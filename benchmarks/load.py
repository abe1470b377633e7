"""A load generator: keep-alive connections over plain sockets, so that it costs little of what it measures.

    python -m benchmarks.load PORT PATH CONNECTIONS COUNT distinct|same

Prints a line of JSON: accepted, refused, seconds, p50 and p99 in milliseconds.
"""

import asyncio
import json
import sys
import time


def body(number: int) -> bytes:
    return json.dumps(
        {
            "status": "firing",
            "groupKey": '{}:{alertname="DiskBad"}',
            "alerts": [
                {
                    "status": "firing",
                    "labels": {
                        "alertname": "DiskBad", "cluster": "demo", "instance": f"host-{number}", "job": "api", "severity": "critical",
                    },
                    "annotations": {"description": "Value 1 of sda is over the limit", "summary": f"Disk of host-{number} bad"},
                    "startsAt": "2026-11-21T17:25:21.632Z",
                    "endsAt": "0001-01-01T00:00:00Z",
                    "generatorURL": "http://prometheus:9090/graph?g0.expr=demo_bad",
                    "fingerprint": f"{number:016x}",
                }
            ],
        }
    ).encode()  # fmt: skip


async def connection(
    port: int, path: str, numbers: "asyncio.Queue[int]", taken: list[float], statuses: list[int]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while not numbers.empty():
        content = body(numbers.get_nowait())
        begun = time.perf_counter()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        answer = await reader.readuntil(b"\r\n\r\n")
        if b"content-length" not in answer.lower():
            raise RuntimeError(f"an answer without a length: {answer!r}")
        length = next(
            int(line.split(b":")[1]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
        taken.append(time.perf_counter() - begun)
        statuses.append(int(answer[9:12]))
    writer.close()


async def main(port: int, path: str, connections: int, count: int, kind: str) -> None:
    numbers: asyncio.Queue[int] = asyncio.Queue()
    base = int(time.time()) * 1_000_000
    for number in range(count):
        numbers.put_nowait(base + number if kind == "distinct" else 7)
    taken: list[float] = []
    statuses: list[int] = []
    begun = time.perf_counter()
    await asyncio.gather(*(connection(port, path, numbers, taken, statuses) for _ in range(connections)))
    seconds = time.perf_counter() - begun
    taken.sort()
    accepted = sum(status == 202 for status in statuses)
    print(
        json.dumps(
            {
                "accepted": accepted,
                "refused": len(statuses) - accepted,
                "seconds": seconds,
                "p50": taken[len(taken) // 2] * 1000,
                "p99": taken[int(len(taken) * 0.99)] * 1000,
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))

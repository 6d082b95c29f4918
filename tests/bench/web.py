"""How fast the page is, in Chromium: `python -m tests.bench.web [--visits 5] [--messages 10000]`.

A whole run on this machine with its local models and sample documents. New visitors open the page, ask, and read to the
end: bytes of JavaScript, the largest paint, every shift of the layout, the first word. The very first one, whom nothing
is warm for, is told apart. Then somebody with one long session opens it and scrolls to its beginning: how long until it
is there, how late frames come, how much there is then, and what it takes of the page's thread, which no other load
on the machine changes much.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
from typing import Any

import asyncpg
from playwright.async_api import Browser, CDPSession, Page, async_playwright, expect

from deploy.local import web_build
from tests.bench.history_search import SLICE
from tests.e2e.stack import Stack, running_stack
from tests.web.conftest import ARGUMENTS, CHROMIUM
from tests.web.visitor import answer, ask, ended

QUESTION = "How long does an international transfer take?"
WHEEL_PIXELS = 1_200
WHEEL_PAUSE_SECONDS = 0.05
LATE_MS = 50.0
"""Later than three frames of sixty a second: somebody sees it."""

_WATCH = """
    window.measured = {lcp: 0, cls: 0, late: [], frames: 0};
    new PerformanceObserver(list => { measured.lcp = list.getEntries().at(-1).startTime; })
        .observe({type: 'largest-contentful-paint', buffered: true});
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) measured.cls += entry.value;
    }).observe({type: 'layout-shift', buffered: true});
    let last = performance.now();
    const frame = now => {
        measured.frames += 1;
        if (now - last > 50) measured.late.push(Math.round(now - last));
        last = now;
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    window.stages = {};
    const Socket = WebSocket;
    window.WebSocket = class extends Socket {
        constructor(...given) {
            super(...given);
            this.addEventListener('message', ({data}) => {
                const found = typeof data === 'string' && /"stage":"(\\w+)"/.exec(data);
                if (found) stages[found[1]] ??= performance.now();
            });
        }
    };
    const seen = setInterval(() => {
        if (measured.word || !document.querySelector('.prose')?.textContent) return;
        measured.word = performance.now();
        clearInterval(seen);
    }, 10);
"""
_BYTES = """() => performance.getEntriesByType('resource')
    .filter(entry => entry.name.endsWith('.js')).reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
_THREAD = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration", "TaskDuration")
"""Chromium's names of what a page's thread does, of which the last is all."""
_FILL = """
    INSERT INTO chat_messages (
        message_id, session_id, position, role, content, status, asked_by, digest, completed_at
    )
    SELECT gen_random_uuid(), $1, n, CASE n % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
           CASE n % 2 WHEN 1 THEN 'Question ' || n ELSE
               '**Answer ' || n || '.** ' || repeat('It takes a while, and then some more. ', 1 + n % 37) ||
               CASE n % 10 WHEN 0 THEN E'\\n\\n| a | b |\\n|---|---|\\n| 1 | 2 |\\n\\n```python\\nprint(1)\\n```'
               ELSE '' END
           END,
           CASE n % 2 WHEN 0 THEN 'completed' END, CASE n % 2 WHEN 0 THEN gen_random_uuid() END,
           CASE n % 2 WHEN 0 THEN '' END, CASE n % 2 WHEN 0 THEN now() END
    FROM generate_series($2::integer, $3::integer) AS n
"""


async def first_visit(browser: Browser, stack: Stack) -> dict[str, float]:
    """One new visitor who asks one question, seconds and kilobytes."""
    page = await _open(browser, stack.url)
    await ask(page, QUESTION)
    asked = float(await page.evaluate("performance.now()"))
    await ended(page)
    found: dict[str, Any] = await page.evaluate("measured")
    stages = await page.evaluate("stages")
    script_bytes = await page.evaluate(_BYTES)
    await page.context.close()
    return {
        "lcp_seconds": found["lcp"] / 1000,
        "cls": found["cls"],
        "ready_seconds": asked / 1000,
        "word_seconds": found["word"] / 1000,
        "word_after_asking_seconds": max(0.0, found["word"] - asked) / 1000,
        **{f"{stage}_after_asking_seconds": max(0.0, at - asked) / 1000 for stage, at in stages.items()},
        "javascript_kilobytes": script_bytes / 1000,
    }


async def long_session(browser: Browser, stack: Stack, messages: int) -> dict[str, Any]:
    """A session of so many messages, opened at its end and scrolled to its beginning."""
    page = await _open(browser, stack.url)
    await ask(page, QUESTION)
    await ended(page)
    database = await asyncpg.connect(stack.database_url)
    [session] = await database.fetch("SELECT session_id FROM chat_sessions ORDER BY created_at DESC LIMIT 1")
    for first in range(3, messages + 1, SLICE):
        await database.execute(_FILL, session["session_id"], first, min(first + SLICE - 1, messages), timeout=60)
    await database.close()

    began = asyncio.get_running_loop().time()
    await page.reload()
    await expect(answer(page)).to_contain_text(f"Answer {messages}")
    opened = asyncio.get_running_loop().time() - began
    await page.mouse.move(800, 400)
    await page.evaluate("measured.late = []; measured.frames = 0")
    thread = await page.context.new_cdp_session(page)
    await thread.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = await _seconds_of(thread)
    first_question = page.locator("article.question").filter(has_text=QUESTION)
    began = asyncio.get_running_loop().time()
    most = 0
    while not await first_question.is_visible():
        for _ in range(20):
            await page.mouse.wheel(0, -WHEEL_PIXELS)
            await asyncio.sleep(WHEEL_PAUSE_SECONDS)
        most = max(most, await page.locator("article").count())
    scrolled = asyncio.get_running_loop().time() - began
    found: dict[str, Any] = await page.evaluate("measured")
    after = await _seconds_of(thread)
    heap = await page.evaluate("performance.memory.usedJSHeapSize")
    await page.context.close()
    return {
        "messages": messages,
        "opened_seconds": round(opened, 2),
        "scrolled_seconds": round(scrolled, 1),
        "frames": found["frames"],
        "late_frames": len(found["late"]),
        "late_share": round(len(found["late"]) / found["frames"], 4),
        "latest_frame_ms": max(found["late"], default=0),
        "most_messages_in_the_page": most,
        "heap_megabytes": round(heap / 1e6),
        "thread_seconds": {name: round(after[name] - before[name], 2) for name in _THREAD},
    }


async def _seconds_of(thread: CDPSession) -> dict[str, float]:
    metrics = (await thread.send("Performance.getMetrics"))["metrics"]
    return {metric["name"]: metric["value"] for metric in metrics}


async def _open(browser: Browser, url: str) -> Page:
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    await context.add_init_script(_WATCH)
    page = await context.new_page()
    await page.goto(url)
    return page


async def main(visits: int, messages: int) -> None:
    """Measure and print."""
    await web_build.build(environment=os.environ)
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        raise SystemExit("This needs Chromium.")
    expect.set_options(timeout=60_000)
    # Nobody here is a stranger: all pages of a long session are read within a minute.
    room = {"GATEWAY_GUEST_REQUESTS_PER_MINUTE": "100000", "GATEWAY_ADDRESS_REQUESTS_PER_MINUTE": "100000"}
    async with running_stack(SAMPLE_KNOWLEDGE="true", **room) as stack, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        first = await first_visit(browser, stack)
        results = [await first_visit(browser, stack) for _ in range(visits)]
        for name in results[0]:
            values = [result[name] for result in results]
            print(f"{name}: median {statistics.median(values):.3f}, worst {max(values):.3f}", file=sys.stderr)
        print(f"the very first: {first}", file=sys.stderr)
        print(json.dumps({"first": first, "visits": results, "long": await long_session(browser, stack, messages)}))
        await browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=5)
    parser.add_argument("--messages", type=int, default=10_000)
    given = parser.parse_args()
    asyncio.run(main(given.visits, given.messages))

"""Replays the finished transcripts from their text alone, and complains about everything that does not hold.

It knows nothing of the plot: it reads the records as a program would, and is told only what happened outside them.
"""

import json
import re

from .texts import apply_structured, apply_unified, replace
from .world import ROOT, moment

BASE = moment("2026-11-20T14:31:00.000Z")
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^\s\"',]*")
FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def transcripts(files):
    return {name: text for name, text in files.items() if name.endswith(".jsonl")}


def records(files):
    """Every record of every transcript: (moment, name, line, record), in order of time."""
    found = []
    for name, text in transcripts(files).items():
        for number, line in enumerate(text.split("\n")[:-1], 1):
            record = json.loads(line)
            if "timestamp" in record:
                found.append((moment(record["timestamp"]), name, number, record))
    return sorted(found, key=lambda item: item[:3])


class Replay:
    """The files as the records tell them; complaints where two of them disagree."""

    def __init__(self, base, unseen):
        self.files, self.unseen, self.complaints, self.seen = dict(base), list(unseen), [], set()
        self.last = {}  # path -> the text that the last record left, for the gaps
        self.gaps, self.changes = [], 0

    def name(self, path):
        if not path.startswith(ROOT + "/"):
            raise ValueError(f"{path} is outside the project")
        return path[len(ROOT) + 1 :]

    def outside(self, at):
        """What happened outside the records up to a moment."""
        while self.unseen and self.unseen[0][0] <= at:
            _, _, name, text = self.unseen.pop(0)
            self.files[name] = text

    def whole(self, name, text, where):
        """A record shows the whole text of a file."""
        if self.files.get(name) != text:
            raise ValueError(f"{name} does not read so at that moment")
        if name in self.last and self.last[name] != text:
            self.gaps.append((where, name))
        self.last[name] = text

    def left(self, name, text):
        if text is None:
            self.files.pop(name, None)
        else:
            self.files[name] = text
        self.last[name] = text
        self.changes += 1

    def claude(self, record, where):
        result = record.get("toolUseResult")
        if not isinstance(result, dict):
            return
        if "structuredPatch" in result:
            name = self.name(result["filePath"])
            before, original = self.files.get(name), result["originalFile"]
            if original is not None:
                self.whole(name, original, where)
            if "content" in result:
                if result["type"] == "create" and before is not None:
                    raise ValueError(f"{name} was there already")
                after = result["content"]
                if result["type"] == "update" and original is None:
                    raise ValueError("an update says what was there before")
            elif before is None:
                raise ValueError(f"{name} is not there to be edited")
            else:
                after = replace(before, result["oldString"], result["newString"], result["replaceAll"])
            if before is not None and apply_structured(before, result["structuredPatch"]) != after:
                raise ValueError("the structured patch leads elsewhere")
            self.left(name, after)
        elif "file" in result:
            file = result["file"]
            name = self.name(file["filePath"])
            lines = self.files[name].split("\n")
            start = file["startLine"] - 1
            if file["content"] != "\n".join(lines[start : start + file["numLines"]]) or file["totalLines"] != len(
                lines
            ):
                raise ValueError(f"{name} does not read so at that moment")
            if file["numLines"] == file["totalLines"]:
                self.whole(name, file["content"], where)

    def codex(self, record):
        payload = record["payload"]
        if payload.get("type") != "patch_apply_end":
            return
        for path, change in payload["changes"].items():
            name = self.name(path)
            before = self.files.get(name)
            if change["type"] == "add":
                if before is not None:
                    raise ValueError(f"{name} was there already")
                self.left(name, change["content"])
            elif change["type"] == "delete":
                if before != change["content"]:
                    raise ValueError(f"{name} was not so when it was deleted")
                self.left(name, None)
            elif before is None:
                raise ValueError(f"{name} is not there to be patched")
            else:
                after = apply_unified(before, change["unified_diff"])
                target = name
                if change["move_path"]:
                    target = self.name(change["move_path"])
                    self.left(name, None)
                self.left(target, after)

    def run(self, files):
        for at, name, number, record in records(files):
            where = f"{name}:{number}"
            self.outside(at)
            try:
                if "payload" in record:
                    self.codex(record)
                else:
                    self.claude(record, where)
            except (ValueError, KeyError, TypeError) as wrong:
                self.complaints.append(f"{where}: {wrong}")
        return self


def shape(files):
    """Ids, links, calls and times of each transcript."""
    complaints, uuids = [], set()
    for name, text in transcripts(files).items():
        own, calls, results, last = set(), {}, set(), 0
        for number, line in enumerate(text.split("\n")[:-1], 1):
            where, record = f"{name}:{number}", json.loads(line)
            complaints += [f"{where}: time {t}" for t in ISO.findall(line) if not FORM.fullmatch(t)]
            at = moment(record["timestamp"]) if "timestamp" in record else last
            if at < last or at > BASE:
                complaints.append(f"{where}: time runs backwards or over the end")
            last = at
            if "payload" in record:
                payload = record["payload"]
                if payload.get("type") in ("function_call", "custom_tool_call"):
                    calls[payload["call_id"]] = where
                elif payload.get("type") in ("function_call_output", "custom_tool_call_output"):
                    results.add(payload["call_id"])
                continue
            uuid, parent = record.get("uuid"), record.get("parentUuid")
            if uuid in uuids or (parent is not None and parent not in own):
                complaints.append(f"{where}: a uuid twice, or a parent that is not above it")
            if uuid:
                uuids.add(uuid)
                own.add(uuid)
            content = record.get("message", {}).get("content")
            for block in content if isinstance(content, list) else []:
                if block["type"] == "tool_use":
                    calls[block["id"]] = where
                elif block["type"] == "tool_result":
                    results.add(block["tool_use_id"])
        if set(calls) != results:
            complaints += [f"{calls.get(call, name)}: a call without a result" for call in set(calls) ^ results]
    return complaints


def check(base, files, unseen):
    """Every complaint; none if the story is true."""
    complaints = shape(files)
    replay = Replay(base, unseen).run(files)
    complaints += replay.complaints
    project = {name[len("project/") :]: text for name, text in files.items() if name.startswith("project/")}

    # What is left is Ada's: one edit by hand, after the last record, of a file that is not committed.
    if [who for _, who, _, _ in replay.unseen] != ["hand"]:
        complaints.append("the story does not end with exactly one edit by hand")
    touched = {name for _, _, name, _ in replay.unseen}
    for name in sorted(set(project) | set(replay.files)):
        if (project.get(name) == replay.files.get(name)) == (name in touched):
            complaints.append(f"project/{name} is not as the last step left it (or its edit by hand is missing)")
    replay.outside(BASE)
    if replay.files != project:
        complaints.append("the edit by hand does not lead to project/")
    if len(replay.gaps) < 3:
        complaints.append("an edit that nobody recorded is not shown by the next record")
    for name, text in {**base, **project}.items():
        if ROOT in text or FORM.search(text):
            complaints.append(f"{name} holds a placeholder, so unpacking would change it")
        if name.endswith(".py"):
            compile(text, name, "exec")
    if sum(len(text.encode()) for text in files.values()) > 400_000:
        complaints.append("over 400 kB")
    return complaints


def show(files):
    """One line for each transcript."""
    for name, text in transcripts(files).items():
        lines = [json.loads(line) for line in text.split("\n")[:-1]]
        calls = edits = prompts = 0
        title = ""
        for record in lines:
            payload = record.get("payload", {})
            calls += payload.get("type") in ("function_call", "custom_tool_call")
            edits += len(payload["changes"]) if payload.get("type") == "patch_apply_end" else 0
            words = payload["message"] if payload.get("type") == "user_message" else None
            content = record.get("message", {}).get("content")
            if isinstance(content, list):
                calls += sum(block["type"] == "tool_use" for block in content)
            elif record.get("type") == "user" and not content.startswith("<") and "isCompactSummary" not in record:
                words = content
            if record.get("type") == "attachment" and record["attachment"]["type"] == "queued_command":
                words = record["attachment"]["prompt"]
            result = record.get("toolUseResult")
            edits += isinstance(result, dict) and "structuredPatch" in result
            if words:
                prompts, title = prompts + 1, title or words
        print(f"{name}\n  {prompts} prompts, {calls} calls, {edits} files changed, {len(lines)} records: {title[:80]}")

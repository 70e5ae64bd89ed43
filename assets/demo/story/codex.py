"""Sessions of Codex, record by record, in the shapes of 0.140 and, for code mode, 0.146."""

import json

from .texts import hunks, unified_diff
from .world import ROOT, Ids, moment, stamp


class Codex:
    def __init__(
        self,
        world,
        start,
        version="0.140.0",
        originator="codex-tui",
        source="cli",
        model="gpt-5.4",
        commit="",
        branch="main",
    ):
        self.world, self.now, self.model = world, moment(start), model
        self.ids = Ids(f"codex/{start}")
        self.session = self.ids.uuid7(self.now)
        self.file = f".codex/sessions/{start[:4]}/{start[5:7]}/{start[8:10]}/rollout-"
        self.file += start.rstrip("Z").replace(":", "-") + f"-{self.session}.jsonl"
        self.lines, self.turn, self.total, self.first = [], None, None, True
        meta = {
            "id": self.session,
            "timestamp": stamp(self.now),
            "cwd": ROOT,
            "originator": originator,
            "cli_version": version,
            "source": source,
            "model_provider": "openai",
            "base_instructions": {"text": "You are a coding agent in a terminal. Be brief and careful."},
            "git": {"commit_hash": commit, "branch": branch, "repository_url": "https://git.example/ada/shop.git"},
        }
        self.put("session_meta", meta)

    def wait(self, seconds):
        self.now += int(seconds * 1000) + self.ids.number(3, 97)

    def put(self, kind, payload):
        record = {"timestamp": stamp(self.now), "type": kind, "payload": payload}
        self.lines.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")))

    def event(self, kind, **body):
        self.put("event_msg", {"type": kind} | body)

    def item(self, kind, **body):
        self.put("response_item", {"type": kind} | body)

    def words(self, role, *texts, **more):
        kind = "output_text" if role == "assistant" else "input_text"
        content = [{"type": kind, "text": text} for text in texts]
        self.item("message", role=role, content=content, **more)

    def prompt(self, text, pause=30, policy="on-request"):
        self.wait(pause)
        self.turn, self.turn_start = self.ids.uuid7(self.now), self.now
        self.event("task_started", turn_id=self.turn, model_context_window=258400, collaboration_mode_kind="default")
        self.wait(0.1)
        if self.first:
            self.first = False
            self.words(
                "developer",
                "<permissions instructions>\nFiles in the workspace may be written; anything "
                "else is asked for.\n</permissions instructions>",
            )
            self.words(
                "user",
                f"# AGENTS.md instructions for {ROOT}\n\n<INSTRUCTIONS>\nRun `cargo test` and `npm test` before you "
                "say that something works. Never send orders to staging.\n</INSTRUCTIONS>",
                f"<environment_context>\n  <cwd>{ROOT}</cwd>\n  <shell>zsh</shell>\n</environment_context>",
            )
        self.put(
            "turn_context",
            {
                "turn_id": self.turn,
                "cwd": ROOT,
                "approval_policy": policy,
                "sandbox_policy": {"type": "workspace-write", "network_access": False},
                "model": self.model,
                "effort": "medium",
                "summary": "auto",
            },
        )
        self.words("user", text)
        self.event("user_message", message=text, images=[], local_images=[], text_elements=[])

    def tokens(self):
        spent = {
            "input_tokens": self.ids.number(9_000, 31_000),
            "cached_input_tokens": self.ids.number(2_000, 8_500),
            "output_tokens": self.ids.number(90, 900),
            "reasoning_output_tokens": self.ids.number(0, 80),
        }
        spent["total_tokens"] = spent["input_tokens"] + spent["output_tokens"]
        old = self.total or dict.fromkeys(spent, 0)
        self.total = {key: old[key] + spent[key] for key in spent}
        info = {"total_token_usage": self.total, "last_token_usage": spent, "model_context_window": 258400}
        self.event("token_count", info=info, rate_limits=None)

    def say(self, text, phase="commentary"):
        self.wait(2 + len(text) / 150)
        self.event("agent_message", message=text, phase=phase, memory_citation=None)
        self.words("assistant", text, phase=phase)

    def function(self, name, arguments, output, seconds=0.2):
        self.wait(3)
        call = self.ids.word("call_", 24)
        given = json.dumps(arguments, ensure_ascii=False)
        self.item("function_call", name=name, arguments=given, call_id=call)
        self.wait(seconds)
        self.item("function_call_output", call_id=call, output=output)
        self.tokens()

    def chunk(self, output, seconds, ended):
        return (
            f"Chunk ID: {self.ids.hex(6)}\nWall time: {seconds:.4f} seconds\n{ended}\n"
            f"Original token count: {len(output) // 4}\nOutput:\n{output}"
        )

    def run(self, command, output="", code=0, seconds=0.2):
        given = {"cmd": command, "workdir": ROOT, "yield_time_ms": 10000, "max_output_tokens": 6000}
        self.function("exec_command", given, self.chunk(output, seconds, f"Process exited with code {code}"), seconds)

    def start(self, command, output, process, seconds=10):
        """A command that is still running when its first output comes."""
        given = {"cmd": command, "workdir": ROOT, "yield_time_ms": 10000, "max_output_tokens": 6000}
        ended = f"Process running with session ID {process}"
        self.function("exec_command", given, self.chunk(output, seconds, ended), seconds)

    def poll(self, process, output, seconds=15):
        given = {"session_id": process, "chars": "", "yield_time_ms": 15000, "max_output_tokens": 6000}
        ended = f"Process running with session ID {process}"
        self.function("write_stdin", given, self.chunk(output, seconds, ended), seconds)

    def plan(self, explanation, *steps):
        given = {"explanation": explanation, "plan": [{"step": words, "status": state} for words, state in steps]}
        self.function("update_plan", given, "Plan updated", 0.05)

    def change(self, files):
        """Does the work of a patch. `files`: name -> text, None (delete) or (new name, text); a name not there is an add."""
        text, changes, said = ["*** Begin Patch"], {}, {"A": [], "M": [], "D": []}
        for name, new in files.items():
            old, path = self.world.files.get(name), self.world.path(name)
            if new is None:
                text.append(f"*** Delete File: {path}")
                changes[path] = {"type": "delete", "content": old}
                said["D"].append(path)
                del self.world.files[name]
            elif old is None:
                text.append(f"*** Add File: {path}")
                text += ["+" + line for line in new.split("\n")[:-1]]
                changes[path] = {"type": "add", "content": new}
                said["A"].append(path)
                self.world.files[name] = new
            else:
                target, after = new if isinstance(new, tuple) else (None, new)
                text.append(f"*** Update File: {path}")
                if target:
                    text.append(f"*** Move to: {self.world.path(target)}")
                    del self.world.files[name]
                for *_, lines in hunks(old, after, 3):
                    text += ["@@", *lines]
                moved = self.world.path(target) if target else None
                changes[path] = {"type": "update", "unified_diff": unified_diff(old, after), "move_path": moved}
                said["M"].append(moved or path)
                self.world.files[target or name] = after
        text.append("*** End Patch")
        done = "Success. Updated the following files:\n"
        done += "".join(f"{mark} {path}\n" for mark in "AMD" for path in said[mark])
        return "\n".join(text), changes, done

    def patched(self, call, changes, done):
        self.event(
            "patch_apply_end",
            call_id=call,
            turn_id=self.turn,
            stdout=done,
            stderr="",
            success=True,
            changes=changes,
            status="completed",
        )

    def patch(self, files):
        self.wait(9)
        call = self.ids.word("call_", 24)
        text, changes, done = self.change(files)
        self.item("custom_tool_call", status="completed", call_id=call, name="apply_patch", input=text)
        self.wait(0.3)
        self.patched(call, changes, done)
        output = f"Exit code: 0\nWall time: 0.1 seconds\nOutput:\n{done}"
        self.item("custom_tool_call_output", call_id=call, output=output)
        self.tokens()

    def patch_fails(self, name, lines):
        """A patch whose lines are not in the file: nothing is written."""
        self.wait(7)
        call = self.ids.word("call_", 24)
        path = self.world.path(name)
        gone = "\n".join(line[1:] for line in lines if line[0] in " -")
        assert gone not in self.world.files[name]
        text = "\n".join(["*** Begin Patch", f"*** Update File: {path}", "@@", *lines, "*** End Patch"])
        self.item("custom_tool_call", status="completed", call_id=call, name="apply_patch", input=text)
        self.wait(0.2)
        output = f"apply_patch verification failed: Failed to find expected lines in {path}:\n{gone}"
        self.item("custom_tool_call_output", call_id=call, output=output)
        self.tokens()

    def script(self, source, outputs, seconds=1.0, files=None):
        """Code mode: the input is JavaScript; a patch within it (the word PATCH) leaves only its `patch_apply_end`."""
        self.wait(6)
        call = self.ids.word("call_", 24)
        if files:
            patch, changes, done = self.change(files)
            source = source.replace("PATCH", json.dumps(patch, ensure_ascii=False))
        self.item("custom_tool_call", status="completed", call_id=call, name="exec", input=source)
        self.wait(seconds)
        if files:
            self.patched(f"exec-{self.ids.uuid()}", changes, done)
        texts = [f"Script completed\nWall time {seconds:.1f} seconds\nOutput:\n", *outputs]
        self.item("custom_tool_call_output", call_id=call, output=[{"type": "input_text", "text": t} for t in texts])
        self.tokens()

    def abort(self):
        self.words(
            "user",
            "<turn_aborted>\nThe user interrupted the previous turn on purpose. Any running unified exec processes "
            "may still be running in the background. If any tools/commands were aborted, they may have partially "
            "executed.\n</turn_aborted>",
        )
        self.wait(0.1)
        self.event("turn_aborted", turn_id=self.turn, reason="interrupted", duration_ms=self.now - self.turn_start)

    def done(self, text):
        self.say(text, phase="final_answer")
        self.tokens()
        self.event(
            "task_complete",
            turn_id=self.turn,
            last_agent_message=text,
            duration_ms=self.now - self.turn_start,
        )

    def files(self):
        return {self.file: "".join(line + "\n" for line in self.lines)}

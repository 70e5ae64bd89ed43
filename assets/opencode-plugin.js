// Written by `regent-tui init`; `regent-tui uninstall` removes it.
// Tells regent-tui when a prompt, a tool or a turn begins and ends. It waits for nothing and changes nothing.
import { spawn } from "node:child_process"

const program = "PROGRAM"

export const RegentTui = async ({ directory }) => {
  const tell = (name, session, more) => {
    try {
      const event = { hook_event_name: name, session_id: session, cwd: directory, at: new Date().toISOString(), ...more }
      const child = spawn(program, ["hook", "opencode"], { stdio: ["pipe", "ignore", "ignore"] })
      child.on("error", () => {})
      child.stdin.on("error", () => {})
      child.stdin.end(JSON.stringify(event))
      child.unref()
    } catch {
      // OpenCode must not notice.
    }
  }
  return {
    event: async ({ event }) => {
      const about = event?.properties ?? {}
      const session = about.sessionID ?? about.info?.id
      if (event?.type === "session.created") tell("SessionStart", session)
      if (event?.type === "session.idle") tell("Stop", session)
      if (event?.type === "permission.updated" || event?.type === "permission.asked") tell("PermissionRequest", session)
    },
    "chat.message": async (input) => tell("UserPromptSubmit", input?.sessionID),
    "tool.execute.before": async (input) =>
      tell("PreToolUse", input?.sessionID, { tool_name: input?.tool, tool_use_id: input?.callID }),
    "tool.execute.after": async (input) =>
      tell("PostToolUse", input?.sessionID, { tool_name: input?.tool, tool_use_id: input?.callID }),
  }
}

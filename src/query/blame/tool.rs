//! Commands that change files by a rule of their own: formatters and generators. A short list of what is certain.

/// Formatters and generators by the words that begin the command.
const TOOLS: &[&[&str]] = &[
    &["cargo", "fmt"],
    &["rustfmt"],
    &["gofmt"],
    &["goimports"],
    &["go", "fmt"],
    &["go", "generate"],
    &["go", "mod", "tidy"],
    &["prettier"],
    &["npx", "prettier"],
    &["black"],
    &["isort"],
    &["ruff", "format"],
    &["clang-format"],
    &["shfmt"],
    &["terraform", "fmt"],
    &["mix", "format"],
    &["swiftformat"],
    &["dart", "format"],
    &["protoc"],
    &["buf", "generate"],
    &["cargo", "update"],
    &["cargo", "generate-lockfile"],
    &["npm", "install"],
    &["npm", "ci"],
    &["pnpm", "install"],
    &["yarn", "install"],
    &["uv", "lock"],
    &["poetry", "lock"],
];

/// Checkers that change files only when they are told to.
const FIXERS: &[&[&str]] = &[&["eslint"], &["npx", "eslint"], &["ruff", "check"]];

/// Whether a command runs one of these and nothing beside it.
pub(super) fn known(command: &str) -> bool {
    // With a second command behind it, nobody can say which of them wrote a line.
    if command.contains(['|', ';', '&', '\n', '>', '`', '$']) {
        return false;
    }
    let words: Vec<&str> = command.split_whitespace().collect();
    TOOLS.iter().any(|tool| words.starts_with(tool))
        || words.contains(&"--fix") && FIXERS.iter().any(|tool| words.starts_with(tool))
}

#[cfg(test)]
mod tests {
    use super::known;

    #[test]
    fn a_tool_is_one_only_when_it_is_alone() {
        assert!(known("cargo fmt") && known("cargo fmt --all") && known("npx prettier -w src"));
        assert!(!known("cargo") && !known("cargo build") && !known("blackbox"));
        assert!(known("npx eslint --fix src") && !known("npx eslint src"));
        assert!(!known("cargo fmt && sed -i s/a/b/ x") && !known("gofmt x > y"));
    }
}

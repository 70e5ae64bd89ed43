//! What kind of file a path names, by its name alone: the order in which files are worth a look.

use super::types::FileClass;

const GENERATED_NAMES: &[&str] = &[
    "cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "pipfile.lock",
    "gemfile.lock",
    "composer.lock",
    "go.sum",
    "flake.lock",
    "mix.lock",
    "podfile.lock",
    "gradle.lockfile",
];
const GENERATED_FOLDERS: &[&str] = &[
    "node_modules",
    "vendor",
    "third_party",
    "dist",
    "build",
    "target",
    "__pycache__",
    "__snapshots__",
    ".next",
    "generated",
];
const GENERATED_ENDS: &[&str] = &[
    ".min.js",
    ".min.css",
    ".map",
    ".snap",
    ".pb.go",
    "_pb2.py",
    ".g.dart",
    ".generated.ts",
];
const CONFIG_NAMES: &[&str] = &[
    "makefile",
    "dockerfile",
    "justfile",
    "procfile",
    "gemfile",
    "rakefile",
    "pipfile",
    "go.mod",
    "cmakelists.txt",
    "requirements.txt",
    "codeowners",
];
const CONFIG_ENDS: &[&str] = &[
    ".toml",
    ".yaml",
    ".yml",
    ".json",
    ".jsonc",
    ".json5",
    ".ini",
    ".cfg",
    ".conf",
    ".env",
    ".properties",
    ".lock",
    ".gradle",
    ".tf",
    ".tfvars",
    ".nix",
    ".xml",
    ".plist",
    ".editorconfig",
];
const DOCS_ENDS: &[&str] = &[
    ".md", ".mdx", ".rst", ".adoc", ".txt", ".org", ".tex", ".pdf",
];
const TEST_FOLDERS: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "spec",
    "specs",
    "e2e",
    "testdata",
    "fixtures",
];

/// The class of a path.
pub fn of(path: &str) -> FileClass {
    let lower = path.to_lowercase();
    let mut folders: Vec<&str> = lower.split('/').collect();
    let name = folders.pop().unwrap_or_default();
    let within = |list: &[&str]| folders.iter().any(|f| list.contains(f));
    let ends = |list: &[&str]| list.iter().any(|e| name.ends_with(e));
    if GENERATED_NAMES.contains(&name) || within(GENERATED_FOLDERS) || ends(GENERATED_ENDS) {
        FileClass::Generated
    } else if within(TEST_FOLDERS) || is_test_name(name) {
        FileClass::Test
    } else if ends(DOCS_ENDS) && !CONFIG_NAMES.contains(&name)
        || matches!(name, "license" | "readme" | "changelog")
    {
        FileClass::Docs
    } else if CONFIG_NAMES.contains(&name)
        || ends(CONFIG_ENDS)
        || name.starts_with('.')
        || name.starts_with("dockerfile")
    {
        FileClass::Config
    } else {
        FileClass::Source
    }
}

fn is_test_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    name.contains(".test.")
        || name.contains(".spec.")
        || matches!(stem, "test" | "tests" | "conftest")
        || stem.ends_with("_test")
        || stem.ends_with("_tests")
        || stem.ends_with("_spec")
        || stem.starts_with("test_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted_by_what_is_worth_a_look() {
        for (path, class) in [
            ("src/http/retry.rs", FileClass::Source),
            ("tests/retry.rs", FileClass::Test),
            ("src/app.test.tsx", FileClass::Test),
            ("pkg/retry_test.go", FileClass::Test),
            ("src/contest.py", FileClass::Source),
            ("Cargo.toml", FileClass::Config),
            ("Cargo.lock", FileClass::Generated),
            (".github/workflows/ci.yml", FileClass::Config),
            ("node_modules/a/index.js", FileClass::Generated),
            ("README.md", FileClass::Docs),
            ("requirements.txt", FileClass::Config),
            ("/etc/hosts", FileClass::Source),
            ("", FileClass::Source),
        ] {
            assert_eq!(of(path), class, "{path}");
        }
    }
}

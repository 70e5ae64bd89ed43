//! The lines above the hunks of one file, as git writes them and `git apply` reads them.
//!
//! Knows names and what happened to the file; the hunks are made in [`super::patch`].

use crate::model::Op;

/// The patch of one file: its headers and its body (hunks, or a line that says that it is not text). Empty if there is
/// nothing to say.
pub fn file(op: Op, old: &str, new: &str, body: &str) -> String {
    let renamed = old != new;
    let bare = matches!(op, Op::Create | Op::Delete);
    if body.is_empty() && !renamed && !bare {
        return String::new();
    }
    let (a, b) = (name("a/", old), name("b/", new));
    let mut out = format!("diff --git {a} {b}\n");
    match op {
        Op::Create => out.push_str("new file mode 100644\n"),
        Op::Delete => out.push_str("deleted file mode 100644\n"),
        _ if renamed => out.push_str(&format!(
            "rename from {}\nrename to {}\n",
            name("", old),
            name("", new)
        )),
        _ => {}
    }
    // Without hunks git wants no names either.
    if body.starts_with("@@") {
        let from = match op {
            Op::Create => "/dev/null".to_owned(),
            _ => closed(a, old),
        };
        let to = match op {
            Op::Delete => "/dev/null".to_owned(),
            _ => closed(b, new),
        };
        out.push_str(&format!("--- {from}\n+++ {to}\n"));
    }
    out + body
}

/// What stands for the hunks of a file that is not text.
pub fn binary(old: &str, new: &str) -> String {
    format!(
        "Binary files {} and {} differ\n",
        name("a/", old),
        name("b/", new)
    )
}

/// A name as git writes it: in quotes and escaped where it holds control characters, quotes or backslashes.
fn name(prefix: &str, path: &str) -> String {
    let odd = |c: char| c.is_control() || matches!(c, '"' | '\\');
    if !path.contains(odd) {
        return format!("{prefix}{path}");
    }
    let mut out = format!("\"{prefix}");
    for c in path.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let mut bytes = [0; 4];
                for b in c.encode_utf8(&mut bytes).bytes() {
                    out.push_str(&format!("\\{b:03o}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// In the `---` and `+++` lines a name with a blank is closed by a tab.
fn closed(name: String, path: &str) -> String {
    if path.contains(' ') && !name.starts_with('"') {
        name + "\t"
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_those_of_git() {
        let hunk = "@@ -1 +1 @@\n-a\n+b\n";
        assert_eq!(
            file(Op::Modify, "x", "x", hunk),
            format!("diff --git a/x b/x\n--- a/x\n+++ b/x\n{hunk}")
        );
        assert_eq!(
            file(Op::Rename, "a b", "c\"\n", ""),
            "diff --git a/a b \"b/c\\\"\\n\"\nrename from a b\nrename to \"c\\\"\\n\"\n"
        );
        assert_eq!(
            file(Op::Create, "a b", "a b", "@@ -0,0 +1 @@\n+b\n"),
            "diff --git a/a b b/a b\nnew file mode 100644\n--- /dev/null\n+++ b/a b\t\n@@ -0,0 +1 @@\n+b\n"
        );
        assert_eq!(file(Op::Modify, "x", "x", ""), "");
    }
}

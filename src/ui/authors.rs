//! Answers about authors, made ready for the pane. For a worker: it asks several questions for one answer.

use std::sync::Arc;

use color_eyre::Result;

use super::message::{Answer, Blamed, How, Seek};
use super::pane::diff;
use crate::query::Ask;
use crate::query::blame::{Blame, BlameQuery, Origin, When, Whereabouts};

/// Who wrote the lines of the state that is sought.
pub(super) fn blame(ask: &dyn Ask, seek: &Seek) -> Result<Answer> {
    match seek.how {
        How::There => there(ask, seek, None),
        How::Now if seek.when == When::Now => there(ask, seek, None),
        How::Now => now(ask, seek),
        How::Back => back(ask, seek),
    }
}

fn query(path: &str, when: When, commits: bool) -> BlameQuery {
    BlameQuery {
        path: path.to_owned(),
        when,
        range: None,
        commits,
    }
}

fn ready(blame: Blame, when: When, line: u32) -> Blamed {
    let mut text = String::new();
    for line in &blame.lines {
        text.push_str(&line.text);
        text.push('\n');
    }
    Blamed {
        content: Arc::new(diff::file(&blame.path, text.into(), line)),
        blame,
        when,
        line,
        gone: None,
        undone: None,
    }
}

fn there(ask: &dyn Ask, seek: &Seek, gone: Option<Box<Origin>>) -> Result<Answer> {
    let blame = ask.blame(&query(&seek.path, seek.when, seek.commits))?;
    Ok(Answer::Blame(Box::new(Blamed {
        gone,
        ..ready(blame, seek.when, seek.line)
    })))
}

fn now(ask: &dyn Ask, seek: &Seek) -> Result<Answer> {
    match ask.whereabouts(&seek.path, seek.when, seek.line)? {
        Whereabouts::Here(path, line) => {
            let blame = ask.blame(&query(&path, When::Now, seek.commits))?;
            let blamed = ready(blame, When::Now, line);
            Ok(Answer::Blame(Box::new(blamed)))
        }
        Whereabouts::Gone(by) => there(ask, seek, Some(by)),
        Whereabouts::Unknown => there(ask, seek, None),
    }
}

fn back(ask: &dyn Ask, seek: &Seek) -> Result<Answer> {
    let line = BlameQuery {
        range: Some((seek.line, seek.line)),
        ..query(&seek.path, seek.when, false)
    };
    let Some(back) = ask.walk_back(&line, 1)?.pop() else {
        let words = "this line is older than the first record: there is nothing further back";
        return Ok(Answer::NoFurther(words.to_owned()));
    };
    let nearest = back.nearest.and_then(|n| back.replaced.lines.get(n));
    let Some(at) = nearest.or(back.replaced.lines.first()).map(|l| l.line) else {
        let words = "this line was added: it replaced none, so there is nothing further back";
        return Ok(Answer::NoFurther(words.to_owned()));
    };
    let blame = ask.blame(&query(&seek.path, back.before, seek.commits))?;
    Ok(Answer::Blame(Box::new(Blamed {
        undone: Some(back.undone),
        ..ready(blame, back.before, at)
    })))
}

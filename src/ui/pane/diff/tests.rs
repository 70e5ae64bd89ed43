#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::sync::Arc;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::model::{Evidence, Op};
use crate::query::types::{Content as FileContent, FileChange};
use crate::source::Hunk;
use crate::text::is_safe_symbol;
use crate::ui::action::Action;
use crate::ui::theme::{ColorDepth, Scheme, Theme};

mod fixture;
mod look_tests;
mod move_tests;
mod output_tests;
mod words_tests;

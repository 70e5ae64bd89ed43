//! Cutting transcripts into lines.

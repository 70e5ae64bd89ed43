use super::fixture::*;
use super::*;

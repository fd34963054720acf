//! The decisions, on tables that are trees and lists.

mod files;
mod tables;
mod verdicts;

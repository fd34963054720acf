//! Tasks: which tool's call created a task.
//!
//! A later `tasks/get`, `tasks/result`, `tasks/update` or `tasks/cancel` goes on with that call, so it is judged by
//! that tool's rule and its grants are active while it is in flight. A task that this session has not seen created
//! (it may outlive a session) is judged by the rule for tools that no entry names: under an allow-list it is refused.

use std::collections::{HashMap, VecDeque};

/// Tasks that are remembered; the oldest are forgotten first and then count as unknown.
const MAX_TASKS: usize = 4096;
/// Bytes of a task id that is remembered.
const MAX_ID: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Tasks {
    tools: HashMap<String, String>,
    order: VecDeque<String>,
}

impl Tasks {
    /// The first tool that created the task keeps it.
    pub(super) fn created(&mut self, task: &str, tool: &str) {
        if task.len() > MAX_ID || self.tools.contains_key(task) {
            return;
        }
        if self.order.len() >= MAX_TASKS
            && let Some(oldest) = self.order.pop_front()
        {
            self.tools.remove(&oldest);
        }
        self.order.push_back(task.to_owned());
        self.tools.insert(task.to_owned(), tool.to_owned());
    }

    pub(super) fn tool(&self, task: &str) -> Option<&str> {
        self.tools.get(task).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_TASKS, Tasks};

    #[test]
    fn the_first_tool_keeps_it_and_the_oldest_go() {
        let mut tasks = Tasks::default();
        tasks.created("a", "one");
        tasks.created("a", "two");
        assert_eq!(tasks.tool("a"), Some("one"));
        for n in 0..MAX_TASKS {
            tasks.created(&n.to_string(), "x");
        }
        assert_eq!(tasks.tool("a"), None);
        assert_eq!(tasks.tools.len(), MAX_TASKS);
    }
}

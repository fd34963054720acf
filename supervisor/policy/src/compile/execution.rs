//! `execution` → programs, limits, the system call profile.

use super::Compiler;
use crate::document::list::{Item, Subject};
use crate::document::numbers::{Bytes, Cpus};
use crate::document::sections::Execution;
use crate::document::words::Word;
use crate::plan::{Ask, ClassId, LimitsPlan, Origin, SyscallProfile};

impl Compiler<'_> {
    pub(super) fn execution(
        &mut self,
        execution: Execution,
        max_opens_per_minute: Option<u32>,
    ) -> (LimitsPlan, SyscallProfile) {
        let Execution {
            allowed_programs,
            memory_limit,
            cpus,
            max_processes,
            max_execs_per_minute,
            max_open_files,
            max_file_size,
            seccomp,
        } = execution;
        let programs = allowed_programs.map(|at| at.value.0).unwrap_or_default();
        if programs.is_empty() {
            self.ledger.default_deny("execution.allowed_programs: none", Ask::Programs);
        }
        for Item { value, reason, origin } in programs {
            let text = format!("execution.allowed_programs: {}", value.show());
            let rule = self.ledger.rule(text, &origin, reason, Ask::Programs);
            let files = self.program(&value, &origin);
            self.grant_program(files, ClassId::ALWAYS, rule, &origin);
        }
        let ledger = &mut self.ledger;
        let bytes = |bytes: &Bytes| format!("{} bytes", bytes.0);
        ledger.key("execution.memory_limit", &memory_limit, bytes, Ask::Memory);
        ledger.key("execution.cpus", &cpus, |cpus| format!("{} thousandths", cpus.0), Ask::Cpus);
        ledger.key("execution.max_processes", &max_processes, |n| n.get().to_string(), Ask::Processes);
        let rate = |n: &crate::document::numbers::PerMinute| n.get().to_string();
        ledger.key("execution.max_execs_per_minute", &max_execs_per_minute, rate, Ask::ExecRate);
        ledger.key("execution.max_open_files", &max_open_files, |n| n.get().to_string(), Ask::OpenFiles);
        ledger.key("execution.max_file_size", &max_file_size, bytes, Ask::FileSize);
        let limits = LimitsPlan {
            memory_bytes: memory_limit.map(|at| at.value.0),
            cpu_millis: cpus.map(|at| {
                let Cpus(millis) = at.value;
                millis
            }),
            max_processes: max_processes.map(|at| at.value.get32()),
            max_execs_per_minute: max_execs_per_minute.map(|at| at.value.get32()),
            max_opens_per_minute,
            max_open_files: max_open_files.map(|at| at.value.get()),
            max_file_bytes: max_file_size.map(|at| at.value.0),
        };
        let (profile, origin) = match seccomp {
            Some(at) => (at.value, at.origin),
            None => (SyscallProfile::default(), Origin::default_deny()),
        };
        let text = format!("execution.seccomp: {}", profile.word());
        self.ledger.rule(text, &origin, None, Ask::SyscallProfile);
        (limits, profile)
    }
}

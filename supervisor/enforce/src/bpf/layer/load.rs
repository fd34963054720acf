//! Loading a layer.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

use super::{CgroupProgram, Layer, LayerError, Options};
use crate::bpf::hooks;
use crate::bpf::maps;
use crate::bpf::object::{EMBEDDED, Image, Place, ProgramText};
use crate::bpf::probe::Probe;
use crate::bpf::program::{self, Context, ProgramError};
use crate::bpf::register;
use crate::sys;

/// The raw tracepoint on which the end of a supervisor is seen.
const EXIT: &str = "sched_process_exit";

impl Layer {
    /// Loads and attaches what the probe found possible. Nobody is in its scope yet.
    pub fn load(probe: &Probe, options: &Options) -> Result<Self, LayerError> {
        let support = probe.support();
        let btf = probe.btf().filter(|_| support.hooks.is_some() || support.network);
        let btf = btf.ok_or_else(|| LayerError::Unavailable(missing(probe)))?;
        let mut image = Image::new(EMBEDDED, btf)?;
        let types = image.types()?.map(|types| sys::types_load(&types)).transpose();
        let types = types.map_err(ProgramError::Types)?;
        let (maps, numbers) = maps::create(&image, &options.sizes)?;
        let texts = image.programs(|name| numbers.of(name))?;
        let context = Context { btf, types: types.as_ref().map(AsFd::as_fd) };
        let mut layer = Self {
            way: support.hooks,
            hooks: Vec::new(),
            exit: Some(watch_supervisors(&context, &texts)?),
            register: None,
            cgroup_programs: Vec::new(),
            maps,
            scope: [0; abi::SCOPE_WORDS],
            sessions: std::iter::repeat_with(|| None).take(options.sizes.slots as usize + 1).collect(),
            pins: None,
        };
        if support.network {
            layer.cgroup_programs = cgroup_programs(&context, &texts)?;
        }
        if let Some(way) = support.hooks {
            layer.register = Some(hooks::load(&context, &texts, way, register::PROGRAM, register::HOOK)?);
            layer.hooks = hooks::attach(&context, &texts, way, options.kills_senders)?;
        }
        Ok(layer)
    }
}

fn missing(probe: &Probe) -> String {
    let support = probe.support();
    support.hooks_missing.clone().or_else(|| support.network_missing.clone()).unwrap_or_default()
}

fn cgroup_programs(context: &Context<'_>, texts: &[ProgramText]) -> Result<Vec<CgroupProgram>, ProgramError> {
    let mut programs = Vec::new();
    for text in texts {
        if let Some(attach) = text.place.on_group() {
            let program = context.load_other(text)?;
            let serves_doors = text.place.serves_doors();
            programs.push(CgroupProgram { name: text.name.clone(), attach, serves_doors, program });
        }
    }
    Ok(programs)
}

fn watch_supervisors(context: &Context<'_>, texts: &[ProgramText]) -> Result<OwnedFd, ProgramError> {
    let text = texts.iter().find(|text| text.place == Place::RawTracepoint);
    let text = text.ok_or(ProgramError::Missing(EXIT))?;
    let program = context.load_other(text)?;
    let tracepoint = CString::new(EXIT).map_err(|_| ProgramError::Missing(EXIT))?;
    program::attach_tracepoint(&text.name, &program, &tracepoint)
}

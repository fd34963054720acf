//! The built programs, as they stand in this executable: parsed, told where the kernel's fields are, and joined to maps.

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::os::fd::RawFd;

use aya_obj::btf::BtfFeatures;
use aya_obj::generated::{bpf_attach_type, bpf_insn};
use aya_obj::{Map, Object, ProgramSection};

use super::btf::{Btf, BtfError};

/// Why the built programs are of no use here.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// This executable was built wrongly.
    #[error("the built-in BPF programs are damaged: {0}; this is an error of the build, please report it")]
    Damaged(String),
    /// The kernel lacks a field.
    #[error(transparent)]
    Btf(#[from] BtfError),
}

/// `ebpf/mcpguard.bpf.o`, as `cargo xtask ebpf` built it.
pub(super) static EMBEDDED: &[u8] = include_bytes!("../../../../ebpf/mcpguard.bpf.o");

/// Which build of the programs this is: `v<version of the layouts>-<twelve hexadecimal digits>`, of the SHA-256 that
/// `cargo xtask ebpf` wrote beside them.
pub(crate) fn built() -> String {
    const SUM: &str = include_str!("../../../../ebpf/mcpguard.bpf.o.sha256");
    format!("v{}-{}", abi::VERSION, SUM.get(..12).unwrap_or(SUM))
}

/// The object file, before its maps exist.
pub(super) struct Image {
    object: Object,
}

/// What a program is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A security hook.
    Hook,
    /// Socket addresses of a control group.
    SocketAddress(bpf_attach_type),
    /// Packets of a control group.
    Packets(bpf_attach_type),
    /// A raw tracepoint.
    RawTracepoint,
}

impl Place {
    /// How it is attached to a control group; `None` if it is not.
    pub(super) fn on_group(self) -> Option<bpf_attach_type> {
        match self {
            Self::SocketAddress(attach) | Self::Packets(attach) => Some(attach),
            Self::Hook | Self::RawTracepoint => None,
        }
    }

    /// Whether a session needs it only if it has doors.
    pub(super) fn serves_doors(self) -> bool {
        use bpf_attach_type::{
            BPF_CGROUP_INET4_GETPEERNAME, BPF_CGROUP_INET6_GETPEERNAME, BPF_CGROUP_UDP4_RECVMSG,
            BPF_CGROUP_UDP6_RECVMSG,
        };
        self.on_group().is_some_and(|attach| {
            matches!(
                attach,
                BPF_CGROUP_INET4_GETPEERNAME
                    | BPF_CGROUP_INET6_GETPEERNAME
                    | BPF_CGROUP_UDP4_RECVMSG
                    | BPF_CGROUP_UDP6_RECVMSG
            )
        })
    }
}

/// One program, ready for the kernel as long as the maps that it names are open.
pub(super) struct ProgramText {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) instructions: Vec<bpf_insn>,
    pub(super) license: CString,
    /// `struct bpf_func_info`, where each function begins.
    pub(super) functions: Vec<u8>,
}

impl Image {
    /// Parses the file and sets the global of each of [`abi::FIELDS`] to this kernel's offset.
    pub(super) fn new(bytes: &[u8], btf: &Btf) -> Result<Self, ObjectError> {
        let mut object = Object::parse(bytes).map_err(|error| damaged(&error))?;
        let mut offsets = Vec::new();
        for field in abi::FIELDS {
            offsets.push((field.global, btf.offset_of(field.structure, field.member)?.to_ne_bytes()));
        }
        // A global that no program reads may have been left out by the linker.
        let globals: HashMap<&str, (&[u8], bool)> =
            offsets.iter().map(|(name, bytes)| (*name, (bytes.as_slice(), false))).collect();
        object.patch_map_data(globals).map_err(|error| damaged(&error))?;
        Ok(Self { object })
    }

    /// The type information of the programs themselves, in a form that every kernel from 5.17 on takes.
    pub(super) fn types(&mut self) -> Result<Option<Vec<u8>>, ObjectError> {
        let (functions, sections, floats) = (true, true, true);
        let (tags, type_tags, wide_enumerations) = (false, false, false);
        let features = BtfFeatures::new(
            functions,
            functions,
            sections,
            false,
            floats,
            tags,
            type_tags,
            wide_enumerations,
        );
        let types = self.object.fixup_and_sanitize_btf(&features).map_err(|error| damaged(&error))?;
        Ok(types.map(aya_obj::btf::Btf::to_bytes))
    }

    /// The definitions of the maps and of the sections that are maps.
    pub(super) fn maps(&self) -> impl Iterator<Item = (&str, &Map)> {
        self.object.maps.iter().map(|(name, map)| (name.as_str(), map))
    }

    /// The programs, once each map exists under the descriptor that `number` gives.
    pub(super) fn programs(
        mut self,
        number: impl Fn(&str) -> Option<RawFd>,
    ) -> Result<Vec<ProgramText>, ObjectError> {
        let maps = std::mem::take(&mut self.object.maps);
        let mut known = Vec::new();
        for (name, map) in &maps {
            if let Some(descriptor) = number(name) {
                known.push((name.as_str(), descriptor, map));
            }
        }
        let texts: HashSet<usize> = self.object.functions.keys().map(|(section, _)| *section).collect();
        self.object.relocate_maps(known.into_iter(), &texts).map_err(|error| damaged(&error))?;
        self.object.relocate_calls(&texts).map_err(|error| damaged(&error))?;
        let mut programs = Vec::new();
        for (name, program) in &self.object.programs {
            programs.push(text(&self.object, name, program)?);
        }
        programs.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(programs)
    }
}

/// What each program of the file is attached to.
pub(super) fn places(bytes: &[u8]) -> Result<Vec<(String, Place)>, ObjectError> {
    let object = Object::parse(bytes).map_err(|error| damaged(&error))?;
    let programs = object.programs.iter();
    programs.map(|(name, program)| Ok((name.clone(), place(name, program)?))).collect()
}

fn place(name: &str, program: &aya_obj::Program) -> Result<Place, ObjectError> {
    match &program.section {
        ProgramSection::Lsm { sleepable: false } => Ok(Place::Hook),
        ProgramSection::CgroupSockAddr { attach_type } => Ok(Place::SocketAddress((*attach_type).into())),
        ProgramSection::CgroupSkb { attach_type: Some(attach_type) } => {
            Ok(Place::Packets((*attach_type).into()))
        }
        ProgramSection::RawTracePoint => Ok(Place::RawTracepoint),
        other => Err(damaged(&format!("the program {name} is of the unforeseen kind {other:?}"))),
    }
}

fn text(object: &Object, name: &str, program: &aya_obj::Program) -> Result<ProgramText, ObjectError> {
    let place = place(name, program)?;
    let function = object.functions.get(&program.function_key());
    let function = function.ok_or_else(|| damaged(&format!("the program {name} has no instructions")))?;
    Ok(ProgramText {
        name: name.to_owned(),
        place,
        instructions: function.instructions.clone(),
        license: program.license.clone(),
        functions: function.func_info.func_info_bytes(),
    })
}

fn damaged(error: &impl ToString) -> ObjectError {
    ObjectError::Damaged(error.to_string())
}

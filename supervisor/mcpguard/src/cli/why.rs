//! x
#[derive(clap::Args)]
pub(crate) struct Args {}
pub(crate) fn run(_: Args, _: &mut dyn std::io::Write) -> anyhow::Result<u8> {
    Ok(0)
}

//! Makes the kernel obey a plan: Landlock, seccomp, limits, and the last mile before exec.

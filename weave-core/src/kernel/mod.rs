//! This host: the kernel, the engine and the packet filter behind the one seam.

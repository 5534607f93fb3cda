//! Laws of planning and applying, without a kernel.

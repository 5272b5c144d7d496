//! Half gates and the carry circuit (protocol section 6).

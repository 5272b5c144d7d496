//! Oblivious transfer (protocol section 5).

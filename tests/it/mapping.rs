//! Goal: the mapping laws hold for shipped and for new formats. Method: see each module.

mod checked;
mod data;
mod files;
mod generated;
mod kept;
mod law;
mod making;
mod servers;
mod shipped;
mod unsaid;

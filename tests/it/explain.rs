//! Three depths of explanation: what the recipient, the sender and an officer are told; decisions
//! taken again, and what a county's pack would change of them.

mod cited;
mod packs;
mod recipient;
mod replayed;
mod sender;

//! Three depths of explanation: what the recipient, the sender and an officer are told.

mod sender;

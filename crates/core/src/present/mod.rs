//! What people read and click: sentences, notifications, the tray, the window.

pub mod clipboard_histories;
pub mod notification;
pub mod said;
pub mod sentence;
pub mod tray;
pub mod wall_clock;
pub mod window;

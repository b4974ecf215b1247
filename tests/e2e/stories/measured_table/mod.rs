//! Every row of what was measured on a real control plane with nothing to stop it: what wiped is undone within the
//! same write, what broke is refused. Each has its control: the same in a namespace without the guard.

mod helm;
mod refused;
mod undone;

pub use helm::STORIES as HELM;
pub use refused::STORIES as REFUSED;
pub use undone::STORIES as UNDONE;

//! What happened, in words.

/// It is only told when a seed is looked at that failed.
#[derive(Debug, Default)]
pub struct Story(pub Option<Vec<String>>);

impl Story {
    pub fn add(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.0 {
            lines.push(line());
        }
    }

    pub fn text(&self) -> String {
        self.0.iter().flatten().fold(String::new(), |text, line| text + line + "\n")
    }
}

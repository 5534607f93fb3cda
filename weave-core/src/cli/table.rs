//! The findings of `preflight` as a table of at most 80 columns.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

const WIDTH: u16 = 80;

/// Level, subject, and what was found with what to do about it below.
pub(super) fn render(result: &Value) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    for finding in findings(result) {
        let text = |field: &str| finding[field].as_str().unwrap_or_default();
        let hint = match text("hint") {
            "" => String::new(),
            hint => format!("\nhint: {hint}"),
        };
        table.add_row([text("level").to_owned(), text("subject").to_owned(), format!("{}{hint}", text("message"))]);
    }
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    let mut lines = table.trim_fmt();
    if !lines.is_empty() {
        lines.push('\n');
    }
    lines
}

/// One line that sums up.
pub(super) fn summary(result: &Value) -> String {
    let [ok, warn, fail] = ["ok", "warn", "fail"].map(|level| count(result, level));
    format!("Preflight: {ok} ok, {warn} to look at, {fail} failed.\n")
}

/// Whether something stands in weave's way.
pub(super) fn failed(result: &Value) -> bool {
    count(result, "fail") > 0
}

fn count(result: &Value, level: &str) -> usize {
    findings(result).filter(|finding| finding["level"] == level).count()
}

fn findings(result: &Value) -> impl Iterator<Item = &Value> {
    result["findings"].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_findings_wrap_within_eighty_columns() {
        let result = json!({"findings": [
            {"subject": "kernel", "level": "ok", "message": "Linux 6.1 has VXLAN"},
            {
                "subject": "firewall", "level": "fail",
                "message": "the program nft is missing, so the router's port cannot be guarded against strangers",
                "hint": "install nftables (`apt-get install nftables`), or say `firewall: {manage: false}`",
            },
        ]});
        let text = render(&result);
        assert_eq!(
            text,
            "ok    kernel    Linux 6.1 has VXLAN\n\
             fail  firewall  the program nft is missing, so the router's port cannot be\n                \
             guarded against strangers\n                \
             hint: install nftables (`apt-get install nftables`), or say\n                \
             `firewall: {manage: false}`\n"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 80));
        assert_eq!(summary(&result), "Preflight: 1 ok, 0 to look at, 1 failed.\n");
        assert!(failed(&result));
        assert_eq!(render(&json!({"findings": []})), "");
    }
}

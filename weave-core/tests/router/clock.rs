//! Times as the real router prints them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// `2026-11-22 14:38:50.141493250 +0000 UTC m=+10.758782882`: the second number is the time since `start`.
pub(crate) fn go_time(time: SystemTime, start: Instant) -> String {
    let (date, clock) = utc(time);
    let ahead = time.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
    let running = start.elapsed() + ahead;
    format!("{date} {clock} +0000 UTC m=+{}.{:09}", running.as_secs(), running.subsec_nanos())
}

/// `2026-11-22T14:38:29.477941506Z` (RFC 3339).
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let (date, clock) = utc(time);
    format!("{date}T{clock}Z")
}

/// Date and time of day; the calendar repeats every 400 years, that is every 146097 days.
fn utc(time: SystemTime) -> (String, String) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Days since 1 March of the year 0, so that a leap day is the last day of a year.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let date = format!("{:04}-{month:02}-{day_of_month:02}", era * 400 + year + next);
    let clock = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    (date, format!("{clock}.{:09}", since.subsec_nanos()))
}

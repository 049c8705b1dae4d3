//! What an account is like: probed, set by hand, forgotten.

use serde_json::Value;

use super::overview::text;
use super::{Browser, location};
use crate::wire::PATIENCE;

impl Browser {
    /// The page of what the account is like, once it holds this.
    async fn traits_with(&mut self, account: &str, part: &str) -> String {
        let path = format!("/accounts/{account}/traits");
        let shown = async {
            loop {
                let page = self.get(&path).await.body;
                if text(&page).contains(part) {
                    return page;
                }
            }
        };
        tokio::time::timeout(PATIENCE, shown).await.unwrap_or_else(|_| panic!("no page has {part}"))
    }

    async fn audited(&mut self) -> Value {
        let list = self.get("/api/v1/audit?action=set_answer").await.body;
        serde_json::from_str(&list).expect("JSON")
    }
}

#[tokio::test]
async fn an_account_is_probed_and_what_it_answered_is_shown() {
    let mut browser = Browser::signed_in().await;
    let page = browser.traits_with("a", "HTTP status of a refusal").await;
    assert!(
        page.contains("not probed yet") && page.contains("Run read-only probe</button>"),
        "{page}"
    );

    let begun = browser.submit("/accounts/a/probe", &[]).await;
    assert_eq!(location(&begun), Some("/accounts/a/traits"), "{begun:?}");
    let page = browser.traits_with("a", "after 7 calls").await;
    for part in [
        "<strong>200, with Status: Error</strong>",
        "Unclear answers: 1",
        "IsMXException in refusals: nothing is refused",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let page = browser.get("/accounts/a").await.body;
    assert!(text(&page).contains("Account traits: 1 known"), "{page}");
    browser.house.end().await;
}

#[tokio::test]
async fn a_probe_is_stopped_by_its_button_and_with_the_process() {
    let mut browser = Browser::signed_in().await;
    let write = [("write", "yes")];
    browser.submit("/accounts/a/probe", &write).await;
    let page = browser.traits_with("a", "A probe has been running since").await;
    assert!(
        page.contains("data-refresh") && !page.contains("Run read-only probe</button>"),
        "{page}"
    );
    // A second one does not begin beside it.
    let second = browser.submit("/accounts/a/probe", &[]).await;
    assert_eq!(location(&second), Some("/accounts/a/traits?told=probe_runs"), "{second:?}");
    browser.traits_with("a", "A probe has been running since").await;

    let stopped = browser.submit("/accounts/a/probe/stop", &[]).await;
    assert_eq!(location(&stopped), Some("/accounts/a/traits?told=stopping"), "{stopped:?}");
    let page =
        browser.traits_with("a", "The probe was stopped before all questions were answered").await;
    assert!(page.contains("Delete the lead a-lead"), "{page}");
    let stopped = browser.submit("/accounts/a/probe/stop", &[]).await;
    assert_eq!(location(&stopped), Some("/accounts/a/traits?told=no_probe"), "{stopped:?}");

    browser.submit("/accounts/b/probe", &write).await;
    browser.traits_with("b", "A probe has been running since").await;
    browser.house.end().await;
}

#[tokio::test]
async fn what_a_person_says_stands_until_it_is_forgotten() {
    let mut browser = Browser::signed_in().await;
    let set = browser.submit("/accounts/a/answer", &[("answer", "phone_match=digits")]).await;
    assert_eq!(location(&set), Some("/accounts/a/traits?told=saved"), "{set:?}");
    let page = browser.traits_with("a", "set manually").await;
    assert!(page.contains("<strong>if their digits are the same</strong>"), "{page}");
    let audit = browser.audited().await;
    assert_eq!(audit["items"][0]["after"]["phone_match"], "digits", "{audit}");

    for (answer, told) in [
        ("phone_match=upside_down", "choose one of exact, digits"),
        ("no_such=digits", "there is no question no_such"),
        ("", "there is no question"),
    ] {
        let page = browser.submit("/accounts/a/answer", &[("answer", answer)]).await;
        assert!(page.status >= 400 && text(&page.body).contains(told), "{answer}: {page:?}");
    }

    browser.submit("/accounts/a/answer", &[("answer", "phone_match=")]).await;
    let page = browser.traits_with("a", "Answered: 0 of ").await;
    assert!(!page.contains("set manually"), "{page}");
    let audit = browser.audited().await;
    assert_eq!(audit["items"][0]["before"]["phone_match"], "digits", "{audit}");
    browser.house.end().await;
}

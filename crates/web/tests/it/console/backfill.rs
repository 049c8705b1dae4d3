//! Backfills on a connector's page.

use plan::backfill::BackfillPlan;

use super::{Browser, location};

#[tokio::test]
async fn a_backfill_is_counted_before_it_is_started() {
    let mut browser = Browser::signed_in().await;
    let here = "/connectors/ab/backfill";
    browser.submit("/connectors/ab/enable", &[]).await;
    let page = browser.get(here).await.body;
    assert!(page.contains("Count leads") && !page.contains("Start backfill"), "{page}");
    let wrong = browser.submit(here, &[("since", "soon"), ("do", "plan")]).await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    assert!(wrong.body.contains("value=\"soon\""), "what was typed stays: {}", wrong.body);
    let asked = browser.submit(here, &[("since", "30d"), ("do", "plan")]).await;
    assert_eq!(location(&asked), Some("/connectors/ab/backfill?told=backfill_planned"));
    let progress = browser.get(&format!("{here}/progress")).await.body;
    for part in ["Counting", "0 leads read", "data-at-work"] {
        assert!(progress.contains(part), "{part}: {progress}");
    }
    let plan = BackfillPlan {
        leads: 501,
        new: 498,
        linked: 3,
        equal: 1,
        differing: 2,
        fields: [("City".to_owned(), 2)].into(),
        there: 1_001,
        ..BackfillPlan::default()
    };
    browser.house.counts("ab", plan).await;
    let progress = browser.get(&format!("{here}/progress")).await.body;
    let shown = ["501 leads were read", "<dd>498</dd>", "<dd>3</dd>", "City (2)", "Start backfill"];
    for part in shown {
        assert!(progress.contains(part), "{part}: {progress}");
    }
    let stale = browser.submit(here, &[("planned_at", "long ago"), ("do", "begin")]).await;
    assert_eq!(stale.status, 400, "{stale:?}");
    let planned_at = value_of(&progress, "planned_at");
    let begun = browser.submit(here, &[("planned_at", &planned_at), ("do", "begin")]).await;
    assert_eq!(location(&begun), Some("/connectors/ab/backfill?told=backfill_begun"), "{begun:?}");
    let page = browser.get(&format!("{here}?told=backfill_begun")).await.body;
    for part in ["The backfill has started.", "Backfill 1", "Pause", "leads modified since"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let paused = browser.submit(&format!("{here}/1"), &[("do", "pause")]).await;
    assert_eq!(location(&paused), Some("/connectors/ab/backfill?told=backfill_paused"));
    let progress = browser.get(&format!("{here}/progress")).await.body;
    assert!(progress.contains("Resume") && !progress.contains("<html"), "{progress}");
    browser.submit(&format!("{here}/1"), &[("do", "cancel")]).await;
    let progress = browser.get(&format!("{here}/progress")).await.body;
    assert!(progress.contains("cancelled") && !progress.contains("Resume"), "{progress}");
    browser.house.end().await;
}

/// The value of a hidden field.
fn value_of(page: &str, name: &str) -> String {
    let from = page.split(&format!("name=\"{name}\" value=\"")).nth(1).expect(page);
    from.split('"').next().expect("its end").to_owned()
}

#[tokio::test]
async fn a_backfill_that_changes_many_leads_is_confirmed() {
    let mut browser = Browser::signed_in().await;
    let here = "/connectors/ab/backfill";
    browser.submit("/connectors/ab/enable", &[]).await;
    browser.submit(here, &[("since", ""), ("do", "plan")]).await;
    let plan = BackfillPlan { leads: 501, linked: 501, there: 1_001, ..BackfillPlan::default() };
    browser.house.counts("ab", plan).await;
    let counted = browser.get(here).await.body;
    let told = "change 501 of 1001 leads in the destination, which is more than 20%";
    for part in [told, "name=\"confirm\""] {
        assert!(counted.contains(part), "{part}: {counted}");
    }
    let planned_at = value_of(&counted, "planned_at");
    let form = [("planned_at", planned_at.as_str()), ("do", "begin")];
    let refused = browser.submit(here, &form).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.body.contains("Confirm: is required"), "{}", refused.body);
    let begun = browser.submit(here, &[&form[..], &[("confirm", "yes")]].concat()).await;
    assert_eq!(location(&begun), Some("/connectors/ab/backfill?told=backfill_begun"), "{begun:?}");
    let progress = browser.get(&format!("{here}/progress")).await.body;
    assert!(progress.contains("0% of 501 leads"), "{progress}");
    browser.house.end().await;
}

//! What a failed statement means for the caller.

use store::{Error, Filter};

use crate::empty::{Empty, delivery, execute, id};

crate::promises! {
    what_trying_again_does_not_mend_is_a_defect,
}

async fn what_trying_again_does_not_mend_is_a_defect(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    empty.deliver(own, 0..1).await;
    // The same Request ID twice: a constraint.
    let twice = empty.store.store_deliveries(vec![delivery(own, 0)]).await.unwrap_err();
    // A table, and a column, that are not there.
    execute(&empty.url, "ALTER TABLE delivery RENAME TO elsewhere").await;
    let table = empty.store.store_deliveries(vec![delivery(own, 1)]).await.unwrap_err();
    execute(&empty.url, "ALTER TABLE elsewhere RENAME TO delivery").await;
    execute(&empty.url, "ALTER TABLE delivery RENAME COLUMN body TO other").await;
    let column = empty.store.delivery(id(0)).await.unwrap_err();
    execute(&empty.url, "ALTER TABLE delivery RENAME COLUMN other TO body").await;
    // A row that must be there.
    execute(&empty.url, "UPDATE counter SET name = 'other' WHERE name = 'configuration'").await;
    let row = empty.store.configuration_version().await.unwrap_err();
    for error in [twice, table, column, row] {
        assert!(matches!(error, Error::Defect(_)), "{error:?}");
        let told = error.to_string();
        assert!(told.contains("a defect in leadsync") && told.contains("report"), "{told}");
    }
    assert_eq!(empty.ids(Filter::default()).await, [id(0)], "nothing else was stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_somebody_else_writes_to_is_unavailable() {
    use sqlx::{Connection, SqliteConnection};
    let empty = Empty::sqlite().await;
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let mut other = SqliteConnection::connect(&empty.url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let error = empty.store.store_deliveries(vec![delivery(own, 0)]).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    empty.deliver(own, 0..1).await;
}

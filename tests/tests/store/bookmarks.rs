//! How far lists were compared, and whether the app is installed.

use frontdesk_core::{
    directory::{Bookmark, Bookmarks, Comparison, Installation},
    provider::Feed,
};
use frontdesk_tests::tables::Tables;

use super::at;

#[tokio::test]
async fn a_bookmark_comes_back_as_it_was_kept_last() {
    let tables = Tables::start().await;
    let store = tables.store();
    let under_way =
        |cursor: Option<&str>| Some(Comparison { from: at(1), to: at(9), cursor: cursor.map(str::to_owned) });
    for feed in Feed::ALL {
        assert_eq!(store.bookmark(feed).await, Ok(None));
        for comparison in
            [None, under_way(None), under_way(Some("page 2")), under_way(None), under_way(Some("x")), None]
        {
            let bookmark = Bookmark { done_to: at(1), under_way: comparison };
            store.keep_bookmark(feed, &bookmark).await.unwrap();
            assert_eq!(store.bookmark(feed).await, Ok(Some(bookmark)));
        }
    }
    assert_eq!(tables.items("directory").len(), 3, "a row for each list");
}

#[tokio::test]
async fn the_newest_word_about_the_app_counts_and_gone_wins_a_tie() {
    type Word = (bool, u64);
    let cases: [(&[Word], Option<u64>); 8] = [
        (&[], None),
        (&[(false, 1)], None),
        (&[(true, 1)], Some(1)),
        (&[(true, 1), (false, 2)], None),
        (&[(false, 2), (true, 1)], None),
        (&[(true, 1), (false, 2), (true, 3), (true, 3)], Some(3)),
        (&[(true, 2), (false, 2)], Some(2)),
        (&[(false, 2), (true, 2)], Some(2)),
    ];
    for (words, expected) in cases {
        let tables = Tables::start().await;
        let store = tables.store();
        for (gone, seconds) in words {
            if *gone {
                store.note_uninstalled(at(*seconds)).await.unwrap();
            } else {
                store.note_installed(at(*seconds)).await.unwrap();
            }
        }
        assert_eq!(store.uninstalled_at().await, Ok(expected.map(at)), "{words:?}");
    }
}

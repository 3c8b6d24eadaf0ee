//! The products that a shop has before anybody changes them. All of them are made up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A product, as control shows it. Names are HTML, as WordPress keeps them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Product {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) slug: String,
    /// `simple`, `variable`
    pub(super) kind: String,
    /// `publish`, `draft`
    pub(super) status: String,
    /// `visible`, `hidden`
    pub(super) visibility: String,
    pub(super) sku: String,
    pub(super) description: String,
    /// In minor units; null: no price. Of a variable product, the lowest.
    pub(super) price: Option<u64>,
    /// Of a variable product.
    pub(super) price_max: Option<u64>,
    pub(super) on_sale_from: Option<u64>,
    /// `instock`, `outofstock`, `onbackorder`
    pub(super) stock: String,
    pub(super) stock_quantity: Option<u64>,
    pub(super) category: String,
    /// Name and values.
    pub(super) attributes: Vec<(String, Vec<String>)>,
    pub(super) image: Option<String>,
}

impl Product {
    pub(super) fn new(id: u64) -> Self {
        Self {
            id,
            name: format!("Product {id}"),
            slug: format!("product-{id}"),
            kind: "simple".to_owned(),
            status: "publish".to_owned(),
            visibility: "visible".to_owned(),
            sku: format!("SKU-{id}"),
            description: String::new(),
            price: Some(1_000),
            price_max: None,
            on_sale_from: None,
            stock: "instock".to_owned(),
            stock_quantity: None,
            category: "Lighting".to_owned(),
            attributes: Vec::new(),
            image: None,
        }
    }

    fn named(id: u64, name: &str, slug: &str, price: u64, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            slug: slug.to_owned(),
            price: Some(price),
            description: format!("<p>{description}</p>"),
            image: Some(format!("{slug}.jpg")),
            ..Self::new(id)
        }
    }

    fn with(mut self, name: &str, values: &[&str]) -> Self {
        self.attributes.push((name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect()));
        self
    }

    /// Whether all words are somewhere in it, as WordPress searches.
    pub(super) fn has(&self, words: &str) -> bool {
        let text = format!("{} {} {}", self.name, self.description, self.sku).to_lowercase();
        words.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }
}

pub(super) fn usual() -> BTreeMap<u64, Product> {
    let brass = Product::named(
        101,
        "Brass Desk Lamp &#8211; 40&nbsp;cm",
        "brass-desk-lamp",
        12_995,
        "A reading lamp of solid brass.",
    )
    .with("Colour", &["Brass"])
    .with("Bulb", &["E27"]);
    let linen = Product::named(
        102,
        "Linen &amp; Oak Floor Lamp",
        "linen-oak-floor-lamp",
        24_900,
        "A floor lamp with a linen shade.",
    )
    .with("Colour", &["Natural", "Charcoal"]);
    let clay = Product::named(103, "Clay Table Lamp", "clay-table-lamp", 8_950, "A table lamp, fired by hand.")
        .with("Size", &["Small", "Large"]);
    let wall =
        Product::named(104, "Ship&#8217;s Wall Light", "ships-wall-light", 15_900, "A wall lamp for wet places.")
            .with("IP rating", &["IP54"]);
    let vase = Product::named(105, "Saltbush Vase", "saltbush-vase", 5_400, "A vase of recycled glass.")
        .with("Material", &["Glass"]);
    let rug = Product::named(106, "Wool Rug &quot;Dune&quot;", "wool-rug-dune", 39_900, "A rug of New Zealand wool.");
    let trade = Product::named(107, "Trade Lamp Kit", "trade-lamp-kit", 99_900, "A lamp kit for the trade only.");
    let next =
        Product::named(108, "Winter Lamp (unannounced)", "winter-lamp", 18_900, "A lamp that nobody may hear of yet.");
    let custom = Product::named(
        109,
        "Made-to-order Lamp Shade",
        "made-to-order-lamp-shade",
        0,
        "A lamp shade of your own size.",
    );
    let all = [
        Product { stock_quantity: Some(4), ..brass },
        Product { on_sale_from: Some(27_900), stock_quantity: Some(2), ..linen },
        Product { kind: "variable".to_owned(), price_max: Some(13_950), ..clay },
        Product { stock: "outofstock".to_owned(), stock_quantity: Some(0), ..wall },
        Product { category: "Decor".to_owned(), ..vase },
        Product { stock: "onbackorder".to_owned(), category: "Rugs".to_owned(), ..rug },
        Product { visibility: "hidden".to_owned(), ..trade },
        Product { status: "draft".to_owned(), ..next },
        Product { price: None, image: None, ..custom },
    ];
    all.into_iter().map(|product| (product.id, product)).collect()
}

//! What products look like: a drawing of each kind, so that a page that shows them has something to show.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::stand_ins::app::App;

const LAMP: &str = "<path d='M62 150h76v10H62z'/><path d='M97 88h6v64h-6z'/><path d='M74 40h52l18 50H56z'/>";
const WALL_LIGHT: &str = "<path d='M58 40h14v110H58z'/><path d='M72 66h48v8H72z'/><path d='M112 74h16v14h-16z'/><path d='M96 88h48l12 54H84z'/>";
const VASE: &str = "<path d='M82 60h36l-6 24c24 18 26 50 10 76H78c-16-26-14-58 10-76z'/><path d='M98 20h4v42h-4z'/>";
const RUG: &str = "<path d='M34 60h132v84H34z'/><path d='M24 66h10v4H24zm0 24h10v4H24zm0 24h10v4H24zm142-48h10v4h-10zm0 24h10v4h-10zm0 24h10v4h-10z'/>";

/// `GET /wp-content/uploads/{name}`: named like a photograph, and drawn.
pub(super) async fn picture(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    if !app.lock().shop.has_picture(&name) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let kinds = [("vase", VASE, "#6d9e86"), ("rug", RUG, "#c9a878"), ("light", WALL_LIGHT, "#5c7f8a")];
    let kind = kinds.into_iter().find(|(word, _, _)| name.contains(word));
    let (_, shape, colour) = kind.unwrap_or(("lamp", LAMP, "#a8742a"));
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 200 200'><rect width='200' height='200' fill='#efe9dd'/>\
         <g fill='{colour}'>{shape}</g></svg>"
    );
    ([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response()
}

//! Parts of a conversation as Converse takes them, and back.
//!
//! What the model said before it asked for a tool has to come back word for word, since thoughts are signed. It is kept as
//! JSON, which the SDK's types do not turn into by themselves.

use aws_sdk_bedrockruntime::{
    primitives::Blob,
    types::{
        ContentBlock, ConversationRole, ImageBlock, ImageFormat, ImageSource, Message, ReasoningContentBlock,
        ReasoningTextBlock, ToolResultBlock, ToolResultContentBlock, ToolUseBlock,
    },
};
use aws_smithy_types::{Document, Number, error::operation::BuildError};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use frontdesk_core::agent::{Picture, ToolCall, Turn};
use serde_json::{Map, Value, json};

/// Begins a conversation whose beginning is forgotten: it has to begin with the customer.
const FORGOTTEN: &str = "(What was said before is not shown.)";

/// The sides take turns, and the customer begins.
pub(crate) fn messages(turns: &[Turn], sees: bool) -> Result<Vec<Message>, BuildError> {
    let mut sides: Vec<(ConversationRole, Vec<ContentBlock>)> = Vec::new();
    for turn in turns {
        let (side, blocks) = blocks(turn, sees)?;
        if blocks.is_empty() {
            continue;
        }
        if sides.is_empty() && side == ConversationRole::Assistant {
            sides.push((ConversationRole::User, vec![ContentBlock::Text(FORGOTTEN.to_owned())]));
        }
        match sides.last_mut() {
            Some((last, content)) if *last == side => content.extend(blocks),
            _ => sides.push((side, blocks)),
        }
    }
    let built = sides.into_iter().map(|(role, blocks)| Message::builder().role(role).set_content(Some(blocks)).build());
    built.collect()
}

fn blocks(turn: &Turn, sees: bool) -> Result<(ConversationRole, Vec<ContentBlock>), BuildError> {
    let words = |text: &String| (!text.trim().is_empty()).then(|| ContentBlock::Text(text.clone()));
    Ok(match turn {
        Turn::Customer { text, pictures } => {
            let seen: &[Picture] = if sees { pictures } else { &[] };
            let mut blocks = Vec::new();
            for picture in seen {
                blocks.extend(image(picture)?);
            }
            blocks.extend(words(text));
            (ConversationRole::User, blocks)
        }
        Turn::Us(text) => (ConversationRole::Assistant, words(text).into_iter().collect()),
        Turn::Calls { calls, raw } => {
            let kept: Option<Vec<ContentBlock>> = raw.as_array().and_then(|all| all.iter().map(restored).collect());
            let blocks = match kept {
                Some(blocks) if !blocks.is_empty() => blocks,
                _ => calls.iter().map(tool_use).collect::<Result<_, _>>()?,
            };
            (ConversationRole::Assistant, blocks)
        }
        Turn::Found { call, content } => {
            let content = ToolResultContentBlock::Text(content.clone());
            let result = ToolResultBlock::builder().tool_use_id(call).content(content).build()?;
            (ConversationRole::User, vec![ContentBlock::ToolResult(result)])
        }
    })
}

/// `None` for a picture of a kind that Converse does not take.
fn image(picture: &Picture) -> Result<Option<ContentBlock>, BuildError> {
    let format = match picture.mime.as_str() {
        "image/jpeg" | "image/jpg" => ImageFormat::Jpeg,
        "image/png" => ImageFormat::Png,
        "image/gif" => ImageFormat::Gif,
        "image/webp" => ImageFormat::Webp,
        _ => return Ok(None),
    };
    let source = ImageSource::Bytes(Blob::new(picture.bytes.clone()));
    Ok(Some(ContentBlock::Image(ImageBlock::builder().format(format).source(source).build()?)))
}

fn tool_use(call: &ToolCall) -> Result<ContentBlock, BuildError> {
    let block = ToolUseBlock::builder().tool_use_id(&call.id).name(&call.tool).input(document(&call.arguments));
    block.build().map(ContentBlock::ToolUse)
}

/// A wish to use a tool.
pub(crate) fn call(block: &ContentBlock) -> Option<ToolCall> {
    let call = block.as_tool_use().ok()?;
    let arguments = value(call.input());
    Some(ToolCall { id: call.tool_use_id().to_owned(), tool: call.name().to_owned(), arguments })
}

/// What has to come back. Kinds of blocks that are not known here are left out.
pub(crate) fn kept(content: &[ContentBlock]) -> Value {
    content.iter().filter_map(keep).collect()
}

fn keep(block: &ContentBlock) -> Option<Value> {
    if let Ok(text) = block.as_text() {
        return Some(json!({ "text": text }));
    }
    if let Ok(call) = block.as_tool_use() {
        let input = value(call.input());
        return Some(json!({ "tool_use": { "id": call.tool_use_id(), "name": call.name(), "input": input } }));
    }
    let thought = block.as_reasoning_content().ok()?;
    if let Ok(thought) = thought.as_reasoning_text() {
        return Some(json!({ "thought": { "text": thought.text(), "signature": thought.signature() } }));
    }
    let redacted = thought.as_redacted_content().ok()?;
    Some(json!({ "redacted": STANDARD.encode(redacted.as_ref()) }))
}

fn restored(kept: &Value) -> Option<ContentBlock> {
    if let Some(text) = kept.get("text") {
        return Some(ContentBlock::Text(text.as_str()?.to_owned()));
    }
    if let Some(redacted) = kept.get("redacted") {
        let blob = Blob::new(STANDARD.decode(redacted.as_str()?).ok()?);
        return Some(ContentBlock::ReasoningContent(ReasoningContentBlock::RedactedContent(blob)));
    }
    if let Some(thought) = kept.get("thought") {
        let signature = thought.get("signature").and_then(Value::as_str).map(str::to_owned);
        let block = ReasoningTextBlock::builder().text(thought.get("text")?.as_str()?).set_signature(signature);
        return Some(ContentBlock::ReasoningContent(ReasoningContentBlock::ReasoningText(block.build().ok()?)));
    }
    let call = kept.get("tool_use")?;
    let text = |name| Some(call.get(name)?.as_str()?.to_owned());
    tool_use(&ToolCall { id: text("id")?, tool: text("name")?, arguments: call.get("input")?.clone() }).ok()
}

/// JSON as the SDK writes it down.
pub(crate) fn document(value: &Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(bool) => Document::Bool(*bool),
        Value::Number(number) => Document::Number(match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Number::PosInt(number),
            (None, Some(number)) => Number::NegInt(number),
            (None, None) => Number::Float(number.as_f64().unwrap_or_default()),
        }),
        Value::String(text) => Document::String(text.clone()),
        Value::Array(items) => Document::Array(items.iter().map(document).collect()),
        Value::Object(fields) => {
            Document::Object(fields.iter().map(|(name, value)| (name.clone(), document(value))).collect())
        }
    }
}

fn value(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(bool) => Value::Bool(*bool),
        Document::Number(Number::PosInt(number)) => json!(number),
        Document::Number(Number::NegInt(number)) => json!(number),
        Document::Number(Number::Float(number)) => json!(number),
        Document::String(text) => Value::String(text.clone()),
        Document::Array(items) => items.iter().map(value).collect(),
        Document::Object(fields) => {
            Value::Object(fields.iter().map(|(name, field)| (name.clone(), value(field))).collect::<Map<_, _>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_comes_back_as_it_was() {
        let json = json!({ "a": [1, -2, 0.5, null, true, "x"], "b": { "c": u64::MAX } });
        assert_eq!(value(&document(&json)), json);
    }

    #[test]
    fn what_has_to_come_back_does() {
        let kept = json!([
            { "thought": { "text": "hm", "signature": "sig" } },
            { "redacted": "AAEC" },
            { "text": "One moment" },
            { "tool_use": { "id": "t1", "name": "search_products", "input": { "q": 1 } } },
        ]);
        let blocks: Vec<ContentBlock> = kept.as_array().unwrap().iter().map(|one| restored(one).unwrap()).collect();
        assert_eq!(super::kept(&blocks), kept);
        assert_eq!(restored(&json!({ "other": 1 })), None);
    }
}

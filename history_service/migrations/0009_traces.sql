-- A turn that waits, or stands still, is opened again by somebody who works in another trace than whoever asked.

ALTER TABLE chat_messages ADD COLUMN traceparent text; -- of an answer: where its question was stored, as W3C has it

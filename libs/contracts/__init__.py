"""The language the services speak to each other: events on the streams, frames in the answer log."""

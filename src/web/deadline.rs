//! A connection whose reader must keep pace.
//!
//! The HTTP layer has deadlines for a request's head and none for a peer that does not read its
//! answer. This wraps the stream below it: a write that stalls is given the same grace and minimum
//! rate as a body; then the connection is cut.

use super::body::Pace;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// A stream with a write deadline.
pub struct Paced<T> {
    io: T,
    pace: Pace,
    stall: Option<Stall>,
}

/// Since the first write that had to wait, until all was flushed.
struct Stall {
    began: Instant,
    written: u64,
    timer: Pin<Box<Sleep>>,
}

impl<T> Paced<T> {
    /// Wraps a stream.
    pub fn new(io: T, pace: Pace) -> Paced<T> {
        Paced {
            io,
            pace,
            stall: None,
        }
    }

    /// The stream inside.
    pub fn inner(&self) -> &T {
        &self.io
    }

    fn waited<R>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let pace = self.pace;
        let stall = self.stall.get_or_insert_with(|| {
            let began = Instant::now();
            Stall {
                began,
                written: 0,
                timer: Box::pin(sleep_until(began + pace.due(0))),
            }
        });
        match stall.timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }

    fn wrote(&mut self, bytes: usize) {
        if let Some(stall) = &mut self.stall {
            stall.written += bytes as u64;
            let by_rate = stall.began + self.pace.due(stall.written);
            let by_silence = Instant::now() + self.pace.silence_max();
            stall.timer.as_mut().reset(by_rate.min(by_silence));
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.io).poll_write(cx, buf) {
            Poll::Pending => this.waited(cx),
            Poll::Ready(Ok(bytes)) => {
                this.wrote(bytes);
                Poll::Ready(Ok(bytes))
            }
            failed => failed,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.io).poll_flush(cx) {
            Poll::Pending => this.waited(cx),
            flushed => {
                this.stall = None;
                flushed
            }
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.io).poll_shutdown(cx) {
            Poll::Pending => this.waited(cx),
            ended => ended,
        }
    }
}

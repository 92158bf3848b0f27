// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The s3zipfs authors

module s3zipfs/bench/store

go 1.25

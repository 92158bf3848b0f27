// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The s3zipfs authors
//
// Reads an archive with the three zip APIs of Java and prints, for each,
// name, size and CRC-32 of every entry, sorted. Run: java Matrix.java FILE

import java.io.BufferedInputStream;
import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;

public class Matrix {
    static String line(String name, InputStream in) throws Exception {
        CRC32 crc = new CRC32();
        byte[] buffer = new byte[1 << 16];
        long size = 0;
        for (int n; (n = in.read(buffer)) > 0; size += n)
            crc.update(buffer, 0, n);
        return String.format("%08x %d %s", crc.getValue(), size, name);
    }

    static void print(String api, List<String> lines) {
        Collections.sort(lines);
        for (String line : lines)
            System.out.println(api + " " + line);
    }

    static void zipFile(String path) throws Exception {
        List<String> lines = new ArrayList<>();
        try (ZipFile zip = new ZipFile(path)) {
            for (ZipEntry e : Collections.list(zip.entries()))
                try (InputStream in = zip.getInputStream(e)) {
                    lines.add(line(e.getName(), in));
                }
        }
        print("ZipFile", lines);
    }

    static void stream(String path) throws Exception {
        List<String> lines = new ArrayList<>();
        try (ZipInputStream in = new ZipInputStream(
                new BufferedInputStream(new FileInputStream(path)))) {
            for (ZipEntry e; (e = in.getNextEntry()) != null; )
                lines.add(line(e.getName(), in));
        }
        print("ZipInputStream", lines);
    }

    static void fileSystem(String path) throws Exception {
        List<String> lines = new ArrayList<>();
        try (FileSystem fs = FileSystems.newFileSystem(Path.of(path));
             Stream<Path> walk = Files.walk(fs.getPath("/"))) {
            for (Path p : (Iterable<Path>) walk::iterator) {
                if (Files.isDirectory(p))
                    continue;
                try (InputStream in = Files.newInputStream(p)) {
                    lines.add(line(p.toString().substring(1), in));
                }
            }
        }
        print("FileSystem", lines);
    }

    public static void main(String[] args) throws Exception {
        zipFile(args[0]);
        stream(args[0]);
        fileSystem(args[0]);
    }
}

package org.talespark.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.talespark.zoo.io.Nearest;
import picocli.CommandLine;

/** Parses every command that the documentation shows. */
class DocumentedCommandsTest {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Pattern FENCED = Pattern.compile("(?ms)^```[a-z]*\\R(.*?)^```");
  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|'([^']*)'|(\\S+)");
  private static final String PROGRAM = "./talespark ";

  @TestFactory
  Stream<DynamicTest> everyDocumentedCommandParses() throws IOException {
    List<Path> pages = new ArrayList<>(List.of(ROOT.resolve("README.md")));
    try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"))) {
      docs.filter(page -> page.toString().endsWith(".md")).forEach(pages::add);
    }
    List<DynamicTest> tests = new ArrayList<>();
    for (Path page : pages) {
      for (String command : commands(page)) {
        String name = ROOT.relativize(page) + ": " + command;
        tests.add(DynamicTest.dynamicTest(name, () -> parse(command)));
      }
    }
    assertThat(tests).as("documented commands").isNotEmpty();
    return tests.stream();
  }

  private static void parse(String command) {
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
    CommandLine line =
        Talespark.commandLine(new Surroundings(nowhere, nowhere, SessionSource::ours));
    String[] words = words(command.substring(PROGRAM.length()));
    boolean known = line.getSubcommands().containsKey(words[0]) || words[0].startsWith("-");
    assertThat(known)
        .as(
            "command %s, nearest %s",
            words[0], Nearest.to(words[0], line.getSubcommands().keySet()))
        .isTrue();
    line.parseArgs(words);
  }

  private static List<String> commands(Path page) {
    List<String> commands = new ArrayList<>();
    try {
      Matcher blocks = FENCED.matcher(Files.readString(page));
      while (blocks.find()) {
        String joined = blocks.group(1).replaceAll("\\\\\\R\\s*", "");
        joined
            .lines()
            .map(String::strip)
            .filter(line -> line.startsWith(PROGRAM))
            .map(line -> line.replaceFirst("\\s+#.*", ""))
            .forEach(commands::add);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return commands;
  }

  private static String[] words(String text) {
    return WORD.matcher(text)
        .results()
        .map(m -> m.group(1) != null ? m.group(1) : m.group(2) != null ? m.group(2) : m.group(3))
        .toArray(String[]::new);
  }
}

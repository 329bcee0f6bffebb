package org.talespark.data.scenes;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * Draws the picture-book corpus: {@code NNN/scene-NNNNNN.png} with {@code .txt} (the caption) and
 * {@code .json} (the true scene graph, questions and answers), two hundred pictures a folder, and
 * {@code stories.jsonl}, one story a line.
 *
 * <p>Pages come in blocks of twelve whose last four to six make up one story. Each page depends on
 * the seed and its number alone, so the first pages of a longer corpus equal a shorter one. {@code
 * corpus.json} is written last: with it the corpus is whole.
 */
public final class SceneCorpus {

  /**
   * What to draw.
   *
   * @param pages how many pictures, at least 1
   * @param size pixels a side, 32 to 1024
   * @param seed same seed, same files
   * @param out a folder of the local file system: new, empty, or holding an earlier scene corpus,
   *     which is replaced
   */
  public record Config(long pages, int size, long seed, Path out) {
    public Config {
      requireNonNull(out, "out");
      if (pages < 1 || pages > 1_000_000) {
        throw new IllegalArgumentException(
            "Cannot draw scenes: pages=%d, expected 1 to 1000000".formatted(pages));
      }
      if (size < 32 || size > 1024) {
        throw new IllegalArgumentException(
            "Cannot draw scenes: size=%d, expected 32 to 1024".formatted(size));
      }
    }
  }

  /** What was drawn. */
  public record Result(long pages, long stories, Path out) {}

  private static final int BLOCK = 12;
  private static final int FOLDER = 200;
  private static final String MARK = "corpus.json";
  private static final String STORIES = "stories.jsonl";
  private static final Pattern OURS = Pattern.compile("scene-\\d{6}\\.(png|txt|json)");
  private static final Pattern OUR_FOLDER = Pattern.compile("\\d{3,4}");

  private final Config config;

  public SceneCorpus(Config config) {
    this.config = requireNonNull(config, "config");
  }

  /**
   * Draws the corpus.
   *
   * @throws IllegalArgumentException when {@code out} holds something else
   */
  public Result run() {
    try {
      clear();
      long blocks = (config.pages() + BLOCK - 1) / BLOCK;
      for (long folder = 0; folder * FOLDER < config.pages(); folder++) {
        Files.createDirectories(config.out().resolve(folder(folder * FOLDER)));
      }
      LongStream.range(0, blocks).parallel().forEach(this::drawBlock);
      long stories = writeStories(blocks);
      Files.writeString(
          config.out().resolve(MARK),
          String.format(
              Locale.ROOT,
              "{\"corpus\":\"talespark-scenes\",\"pages\":%d,\"size\":%d,\"seed\":%d,\"stories\":%d}\n",
              config.pages(),
              config.size(),
              config.seed(),
              stories),
          UTF_8);
      return new Result(config.pages(), stories, config.out());
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write scenes: out=" + config.out(), e);
    }
  }

  /** The story at the end of a block, or null when the block is cut short. */
  private Story story(long block) {
    long end = (block + 1) * BLOCK;
    return end > config.pages()
        ? null
        : Stories.tell(config.seed(), block, Stories.length(config.seed(), block));
  }

  private void drawBlock(long block) {
    Story story = story(block);
    long end = Math.min((block + 1) * BLOCK, config.pages());
    long storyStart = story == null ? end : end - story.pages().size();
    for (long page = block * BLOCK; page < end; page++) {
      Dice dice = Dice.of(config.seed(), "page", page);
      Path folder = config.out().resolve(folder(page));
      try {
        if (page < storyStart) {
          SceneWriter.write(folder, key(page), Imagination.scene(dice), config.size(), dice, null);
        } else {
          int index = (int) (page - storyStart);
          SceneWriter.write(
              folder,
              key(page),
              story.pages().get(index).scene(),
              config.size(),
              dice,
              new SceneWriter.StoryPage(story, index + 1));
        }
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot write scene: page=" + page, e);
      }
    }
  }

  private long writeStories(long blocks) throws IOException {
    long stories = 0;
    try (BufferedWriter out = Files.newBufferedWriter(config.out().resolve(STORIES), UTF_8)) {
      for (long block = 0; block < blocks; block++) {
        Story story = story(block);
        if (story == null) {
          continue;
        }
        long start = (block + 1) * BLOCK - story.pages().size();
        List<String> pictures = new ArrayList<>();
        for (int i = 0; i < story.pages().size(); i++) {
          pictures.add(folder(start + i) + "/" + key(start + i) + ".png");
        }
        out.write(SceneWriter.line(story, pictures));
        out.write('\n');
        stories++;
      }
    }
    return stories;
  }

  private static String folder(long page) {
    return String.format(Locale.ROOT, "%03d", page / FOLDER);
  }

  private static String key(long page) {
    return String.format(Locale.ROOT, "scene-%06d", page);
  }

  /** Makes room: removes an earlier scene corpus, and nothing that is not one. */
  private void clear() throws IOException {
    Path out = config.out();
    if (!Files.exists(out)) {
      Files.createDirectories(out);
      return;
    }
    for (Path entry : list(out)) {
      String name = entry.getFileName().toString();
      boolean ours =
          name.equals(MARK)
              || name.equals(STORIES)
              || (OUR_FOLDER.matcher(name).matches()
                  && Files.isDirectory(entry)
                  && list(entry).stream()
                      .allMatch(f -> OURS.matcher(f.getFileName().toString()).matches()));
      if (!ours) {
        throw new IllegalArgumentException(
            "Cannot draw scenes: out=%s holds %s, expected an empty folder or an earlier scene corpus; try another --out"
                .formatted(out, name));
      }
    }
    Files.deleteIfExists(out.resolve(MARK));
    Files.deleteIfExists(out.resolve(STORIES));
    for (Path folder : list(out)) {
      for (Path file : list(folder)) {
        Files.delete(file);
      }
      Files.delete(folder);
    }
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.sorted().toList();
    }
  }
}

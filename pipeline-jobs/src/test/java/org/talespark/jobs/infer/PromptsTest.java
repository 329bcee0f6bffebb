package org.talespark.jobs.infer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.BadInputException;
import org.talespark.data.dataset.Split;
import org.talespark.jobs.train.Shards;

class PromptsTest {
  @TempDir private Path folder;

  private List<Prompt> read(Path input, Split split, int limit) {
    return new Prompts(input.toUri().toString(), split, limit).read(new Configuration());
  }

  @Test
  void captionsOfASplitArePromptsInTheOrderOfTheShards() throws IOException {
    Shards.dataset(folder, 2, 3);
    assertThat(read(folder, Split.TRAIN, 100))
        .extracting(Prompt::text)
        .containsExactly(
            "caption of " + Shards.key(0, 0),
            "caption of " + Shards.key(0, 1),
            "caption of " + Shards.key(1, 0),
            "caption of " + Shards.key(1, 1),
            "caption of " + Shards.key(1, 2));
    assertThat(read(folder, Split.TRAIN, 3)).hasSize(3);
    assertThatThrownBy(() -> read(folder, Split.TEST, 3))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("split=test holds none");
  }

  @Test
  void linesOfTextAreStrippedAndEmptyOnesLeftOut() throws IOException {
    Path file = folder.resolve("prompts.txt");
    Files.writeString(file, "a red house\n\n  {\"not\": json} \n", UTF_8);
    assertThat(read(file, Split.TEST, 100))
        .containsExactly(
            new Prompt("a red house", null, null, null),
            new Prompt("{\"not\": json}", null, null, null));
    assertThat(read(file, Split.TEST, 1)).hasSize(1);
  }

  @Test
  void picturesLieBesideTheFileThatNamesThem() throws IOException {
    Path file = folder.resolve("prompts.jsonl");
    Files.writeString(
        file,
        """
        {"prompt": "a house", "seed": 4, "image": "in/a.png", "mask": "hdfs://name/b.png"}
        {"image": "/whole/c.png"}
        """,
        UTF_8);
    List<Prompt> prompts = read(file, Split.TEST, 100);
    assertThat(prompts.get(0).text()).isEqualTo("a house");
    assertThat(prompts.get(0).seed()).isEqualTo(4);
    assertThat(prompts.get(0).image()).isEqualTo("file:" + folder + "/in/a.png");
    assertThat(prompts.get(0).mask()).isEqualTo("hdfs://name/b.png");
    assertThat(prompts.get(1).text()).isNull();
    assertThat(prompts.get(1).image()).isEqualTo("file:/whole/c.png");
  }

  @Test
  void aFolderThatIsNoDatasetIsRefused() {
    assertThatThrownBy(() -> read(folder, Split.TEST, 1))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("is a directory, expected a text file");
    assertThatThrownBy(() -> read(folder, Split.TEST, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("limit=0");
  }
}

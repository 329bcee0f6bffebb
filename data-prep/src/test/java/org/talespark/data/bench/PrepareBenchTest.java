package org.talespark.data.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.talespark.data.image.PictureHeader;

class PrepareBenchTest {

  @TempDir Path folder;

  private PrepareBench.Settings settings(String... python) {
    return new PrepareBench.Settings(3, 64, 90, 2, 2, List.of(python), folder);
  }

  @Test
  void allWaysAreTimedOnTheSamePhotographs() throws IOException {
    List<String> lines = new ArrayList<>();
    PrepareFigures figures = PrepareBench.run(settings(), lines::add);
    assertThat(figures.pictures()).isEqualTo(3);
    assertThat(figures.imagesPerSecondPerCore()).isPositive();
    assertThat(figures.imageioRatio()).isPositive();
    assertThat(figures.pythonRatio()).isEmpty();
    assertThat(lines).hasSize(3).last().asString().contains("turn 2 of 2: talespark");

    byte[] first = Files.readAllBytes(folder.resolve("000000.jpg"));
    assertThat(PictureHeader.of(first).width()).isEqualTo(1600);
    assertThat(PictureHeader.of(first).height()).isEqualTo(1200);
    assertThat(first.length).isBetween(100_000, 900_000);

    Files.delete(folder.resolve("000000.jpg"));
    assertThat(Photographs.fill(folder, 3, 1)).isEqualTo(1);
    assertThat(folder.resolve("000000.jpg")).hasBinaryContent(first);

    assertThatThrownBy(() -> PrepareBench.run(settings("false"), line -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("exit_code=1");
    assertThatThrownBy(() -> PrepareBench.run(settings("echo", "{}"), line -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("expected 3 pictures and seconds");
  }

  @Test
  void senselessSettingsAreRefused() {
    assertThatThrownBy(() -> new PrepareBench.Settings(3, 64, 90, 1, 4, List.of(), folder))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("pictures=3 turns=4");
    assertThatThrownBy(() -> new PrepareBench.Settings(3, 64, 0, 1, 1, List.of(), folder))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("quality=0");
  }
}

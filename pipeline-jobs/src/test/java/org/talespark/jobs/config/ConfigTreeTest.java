package org.talespark.jobs.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigTreeTest {

  record Painter(String name, Train train, List<Integer> widths) {
    Painter {
      widths = List.copyOf(widths);
    }
  }

  record Train(int steps, double learningRate, Strategy strategy, Optimizer optimizer) {
    Train {
      if (steps < 1) {
        throw new IllegalArgumentException(
            "Cannot train: steps=" + steps + ", expected at least 1; try --set train.steps=1000");
      }
      strategy = strategy == null ? Strategy.ALLREDUCE : strategy;
    }
  }

  enum Strategy {
    @JsonProperty("allreduce")
    ALLREDUCE,
    @JsonProperty("local-sgd")
    LOCAL_SGD
  }

  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
  @JsonSubTypes({@JsonSubTypes.Type(Adam.class), @JsonSubTypes.Type(Momentum.class)})
  sealed interface Optimizer permits Adam, Momentum {}

  @JsonTypeName("adam")
  record Adam(double beta1, double beta2) implements Optimizer {}

  @JsonTypeName("momentum")
  record Momentum(double momentum) implements Optimizer {}

  @TempDir Path directory;

  @Test
  void aRecipeBindsToRecords() {
    assertThat(recipe().build().bind(Painter.class))
        .isEqualTo(
            new Painter(
                "painter",
                new Train(100, 1e-4, Strategy.ALLREDUCE, new Adam(0.9, 0.99)),
                List.of(32, 64)));
  }

  @Test
  void laterLayersOverrideEarlierOnesKeyByKey() throws IOException {
    Path file = yaml("train:\n  steps: 200\n  optimizer:\n    beta1: 0.5\n");
    Painter painter =
        recipe()
            .file(file)
            .set("train.steps=300")
            .set("widths=[8, 16, 32]")
            .set("train.strategy=local-sgd")
            .option("--rate", "train.learning_rate", 0.5)
            .option("--absent", "train.steps", null)
            .build()
            .bind(Painter.class);
    assertThat(painter)
        .isEqualTo(
            new Painter(
                "painter",
                new Train(300, 0.5, Strategy.LOCAL_SGD, new Adam(0.5, 0.99)),
                List.of(8, 16, 32)));
  }

  @ParameterizedTest
  @CsvSource({"1e-4, 1e-4", "3E-4, 3e-4", "0.001, 0.001", "2, 2", "1.5e+1, 15", "-.5, -0.5"})
  void numbersMayBeWrittenAsScientistsDo(String text, double value) {
    assertThat(recipe().set("train.learning_rate=" + text).build().bind(Painter.class).train())
        .extracting(Train::learningRate)
        .isEqualTo(value);
  }

  @Test
  void anAlternativeReplacesTheOtherOneWithItsKeys() {
    assertThat(
            recipe()
                .set("train.optimizer.type=momentum")
                .set("train.optimizer.momentum=0.8")
                .build()
                .bind(Painter.class)
                .train()
                .optimizer())
        .isEqualTo(new Momentum(0.8));
  }

  @Test
  void nullTakesAKeyAway() {
    assertThat(recipe().set("train.strategy=local-sgd").set("train.strategy=null").build())
        .extracting(c -> c.bind(Painter.class).train().strategy())
        .isEqualTo(Strategy.ALLREDUCE);
  }

  @Test
  void anUnknownKeyIsRefusedWithItsPathItsOriginAndTheNearestName() throws IOException {
    Path file = yaml("train:\n  learning_rat: 0.1\n");
    refused(recipe().file(file))
        .hasMessageContaining("train.learning_rat")
        .hasMessageContaining("file " + file)
        .hasMessageContaining("did you mean train.learning_rate?");
  }

  @Test
  void anUnknownKeyOfAnOptionNamesTheOption() {
    refused(recipe().set("train.stepps=5"))
        .hasMessageContaining("--set train.stepps=5")
        .hasMessageContaining("did you mean train.steps?");
  }

  @Test
  void aKnownNameInTheWrongPlaceIsSuggestedWithItsPath() {
    refused(recipe().set("steps=5")).hasMessageContaining("did you mean train.steps?");
  }

  @Test
  void anUnknownKeyInsideAnAlternativeIsSuggestedFromThatAlternative() {
    refused(recipe().set("train.optimizer.beta_1=0.8"))
        .hasMessageContaining("train.optimizer.beta_1")
        .hasMessageContaining("did you mean train.optimizer.beta1?");
    refused(recipe().set("train.optimizer={type: momentum, momentum: 1.0, beta1: 0.5}"))
        .hasMessageContaining("unknown key train.optimizer.beta1");
  }

  @Test
  void anUnknownAlternativeIsRefusedWithTheNearestOne() {
    refused(recipe().set("train.optimizer.type=momentun"))
        .hasMessageContaining("train.optimizer.type=momentun")
        .hasMessageContaining("[adam, momentum]")
        .hasMessageContaining("did you mean momentum?");
    refused(recipe().set("train.optimizer.type=null"))
        .hasMessageContaining("missing train.optimizer.type");
  }

  @ParameterizedTest
  @CsvSource({
    "train.steps=many, a whole number",
    "train.steps=1.5, a whole number",
    "train.steps='5', a whole number",
    "train.steps=[5], a whole number",
    "train.steps=true, a whole number",
    "train.steps=99999999999, a whole number",
    "train.learning_rate=fast, a number",
    "train.strategy=local-sg, did you mean local-sgd",
    "train=5, a mapping of keys to values",
    "name=5, text",
    "name=true, text",
    "'name={a: 1}', text",
    "widths=5, a list",
    "'widths=[a, b]', a whole number",
  })
  void aValueOfTheWrongTypeIsRefusedWithKeyOriginAndExpectedType(String set, String expected) {
    refused(recipe().set(set.strip()))
        .hasMessageContaining(set.substring(0, set.indexOf('=')))
        .hasMessageContaining("from --set " + set)
        .hasMessageContaining(expected);
  }

  @Test
  void aMissingNumberIsRefused() {
    refused(recipe().set("train.steps=null"))
        .hasMessageContaining("missing train.steps")
        .hasMessageContaining("a whole number");
  }

  @Test
  void whatARecordRefusesIsSaidInItsOwnWordsWithTheKey() {
    refused(recipe().set("train.steps=0"))
        .hasMessage(
            "Cannot train: steps=0, expected at least 1; try --set train.steps=1000 (in train)");
  }

  @Test
  void malformedFilesAndAssignmentsAreRefusedWithTheirOrigin() throws IOException {
    Path twice = yaml("name: a\nname: b\n");
    assertThatThrownBy(() -> recipe().file(twice))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(twice.toString())
        .hasMessageContaining("line=2");
    Path list = yaml("- a\n- b\n");
    assertThatThrownBy(() -> recipe().file(list)).hasMessageContaining("a mapping");
    Path absent = directory.resolve("absent.yaml");
    assertThatThrownBy(() -> recipe().file(absent)).hasMessageContaining("absent.yaml");
    assertThatThrownBy(() -> recipe().set("train.steps")).hasMessageContaining("path.to.key=value");
    assertThatThrownBy(() -> recipe().set("train..steps=5")).hasMessageContaining("train..steps");
    assertThatThrownBy(() -> recipe().set("widths=[1")).hasMessageContaining("--set widths=[1");
  }

  @Test
  void anUnknownRecipeIsRefusedWithTheNearestOne() {
    assertThatThrownBy(() -> ConfigTree.builder().recipe("test-paiter", List.of("test-painter")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("did you mean test-painter?");
  }

  @Test
  void aResolvedConfigurationWritesYamlThatBindsToTheSame() throws IOException {
    Painter painter = recipe().build().bind(Painter.class);
    String yaml = ConfigTree.toYaml(painter);
    assertThat(yaml).contains("learning_rate: 1.0E-4").contains("type: adam").contains("allreduce");
    assertThat(ConfigTree.builder().file(yaml(yaml)).build().bind(Painter.class))
        .isEqualTo(painter);
  }

  private static ConfigTree.Builder recipe() {
    return ConfigTree.builder().recipe("test-painter", List.of("test-painter"));
  }

  private static AbstractThrowableAssert<?, ? extends Throwable> refused(
      ConfigTree.Builder builder) {
    return assertThatThrownBy(() -> builder.build().bind(Painter.class))
        .isExactlyInstanceOf(IllegalArgumentException.class);
  }

  private Path yaml(String text) throws IOException {
    return Files.writeString(Files.createTempFile(directory, "config", ".yaml"), text);
  }
}

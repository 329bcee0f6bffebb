package org.talespark.data;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(
    packages = "org.talespark.data",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule dataPreparationKnowsNoModel =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "org.talespark.zoo..", "org.talespark.jobs..", "org.nd4j..", "org.deeplearning4j..");

  @ArchTest
  static final ArchRule picturesAndScenesKnowNoSpark =
      noClasses()
          .that()
          .resideInAnyPackage("org.talespark.data.image..", "org.talespark.data.scenes..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.spark..", "org.apache.hadoop..", "scala..");

  @ArchTest
  static final ArchRule readersDoNotDependOnTheJob =
      noClasses()
          .that()
          .resideInAPackage("org.talespark.data.dataset..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.talespark.data.prepare..", "org.apache.spark..");
}
